"""What people look at: Kibana's dashboards, searches and data views, and the source that they are made from."""
