"""The four risk calculations: an ordinary plugin of Throughline."""
