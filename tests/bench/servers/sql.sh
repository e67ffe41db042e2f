# shellcheck shell=bash
# rlm_sql with rlm_sql_sqlite: the server's own schema, queries and pool settings.

sql_available() { [ -e "$LIBDIR/rlm_sql_sqlite.so" ] && [ -e "$RADDB/mods-config/sql/main/sqlite/queries.conf" ]; }

# sql_data VMS DIR
sql_data() {
	[ -e "$2/sql.db" ] && return
	rm -f "$2/sql.new"
	{
		echo 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;'
		cat "$RADDB/mods-config/sql/main/sqlite/schema.sql"
		cat <<-EOF
			CREATE TEMP TABLE vm(name TEXT);
			WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
			INSERT INTO vm SELECT printf('525400%06x', i * $MAC_STEP) FROM n;
			INSERT INTO radcheck(username, attribute, op, value) SELECT name, 'Auth-Type', ':=', 'Accept' FROM vm;
			CREATE TEMP TABLE reply(attribute TEXT, value TEXT);
			INSERT INTO reply VALUES
				('Tunnel-Type', 'VLAN'), ('Tunnel-Medium-Type', 'IEEE-802'), ('Tunnel-Private-Group-Id', '100'),
				('User-Priority-Table', '0x3333333333333333'), ('Session-Timeout', '3600'),
				('Termination-Action', 'RADIUS-Request');
			INSERT INTO radreply(username, attribute, op, value)
				SELECT name, attribute, ':=', value FROM vm, reply;
			COMMIT;
		EOF
	} | sqlite3 -bail "$2/sql.new" >/dev/null
	mv "$2/sql.new" "$2/sql.db"
}

# sql_modules DIR (the stock queries use expr's %{tolower:})
sql_modules() {
	cat <<-EOF
		expr {
		}
		sql {
			dialect = "sqlite"
			driver = "rlm_sql_sqlite"
			sqlite {
				filename = "$1/sql.db"
				busy_timeout = 200
			}
			radius_db = "radius"
			acct_table1 = "radacct"
			acct_table2 = "radacct"
			postauth_table = "radpostauth"
			authcheck_table = "radcheck"
			groupcheck_table = "radgroupcheck"
			authreply_table = "radreply"
			groupreply_table = "radgroupreply"
			usergroup_table = "radusergroup"
			client_table = "nas"
			group_attribute = "SQL-Group"
			pool {
				start = \${thread[pool].start_servers}
				min = \${thread[pool].min_spare_servers}
				max = \${thread[pool].max_servers}
				spare = \${thread[pool].max_spare_servers}
				uses = 0
				retry_delay = 30
				lifetime = 0
				idle_timeout = 60
			}
			\$INCLUDE $RADDB/mods-config/sql/main/sqlite/queries.conf
		}
	EOF
}

sql_authorize() { echo sql; }
