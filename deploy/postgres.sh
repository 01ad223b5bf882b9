#!/bin/sh
# Starts the stack's PostgreSQL with three users. Before it listens they have the passwords of the environment, at
# every start: a new password in .env holds from the next `up` on, also for a volume that is there already.
#   history_owner makes and changes the tables · history_writer (monitor) writes rows · history_reader (api) reads them
# Its administrator has no password: nobody can log in as such from outside this container.
set -eu
home=/var/lib/postgresql/data
export PGDATA="$home/17"
# After a kill, the file of the server's lock names process 1, which is this shell now: it is no other server.
export PG_GRANDPARENT_PID=1

alone() { # runs the statements of its input, one a line, before the server is there
  postgres --single -c exit_on_error=true "$1" >/dev/null
}

quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

user() { # name, password
  echo "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$1') THEN CREATE ROLE $1 LOGIN; END IF; END \$\$;"
  echo "ALTER ROLE $1 PASSWORD $(quoted "$2");"
}

if [ ! -d "$PGDATA" ]; then
  rm -rf "$home/new" # of a start that was cut off
  initdb --pgdata "$home/new" --username postgres --auth-local trust --auth-host scram-sha-256 --encoding UTF8 \
    --locale C.UTF-8 >/dev/null
  echo "host all all all scram-sha-256" >>"$home/new/pg_hba.conf"
  mv "$home/new" "$PGDATA"
fi
{
  user history_owner "$HISTORY_OWNER_PASSWORD"
  user history_writer "$HISTORY_WRITER_PASSWORD"
  user history_reader "$HISTORY_READER_PASSWORD"
} | alone postgres
if ! echo "SELECT datname FROM pg_database;" | postgres --single postgres | grep -q '"history"'; then
  echo "CREATE DATABASE history OWNER history_owner;" | alone postgres
fi
alone history <<'SQL'
REVOKE ALL ON DATABASE history FROM PUBLIC;
GRANT CONNECT ON DATABASE history TO history_owner, history_writer, history_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE history_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO history_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE history_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO history_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE history_owner IN SCHEMA public GRANT SELECT ON TABLES TO history_reader;
SQL

# No line of its log holds what is in a task: neither a statement that fails nor the row that it failed with.
exec postgres -c listen_addresses='*' -c max_connections="${POSTGRES_MAX_CONNECTIONS:-60}" -c shared_buffers=96MB \
  -c max_wal_size=512MB -c log_statement=none -c log_min_error_statement=panic -c log_error_verbosity=terse
