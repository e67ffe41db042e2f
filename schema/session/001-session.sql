-- session.db, version 1: what the network says.  Soft state: losing it costs a re-authentication.
-- Written by rlm_vmprov, read by policyd.

CREATE TABLE session (
	id                 INTEGER PRIMARY KEY,
	mac                INTEGER NOT NULL,
	state              TEXT NOT NULL,
	nas_address        TEXT NOT NULL,            -- where its RADIUS packets come from
	nas_port           TEXT NOT NULL DEFAULT '', -- NAS-Port-Id, else NAS-Port in decimal
	user_name          TEXT NOT NULL DEFAULT '', -- as the NAS sent it: CoA needs it so
	calling_station_id TEXT NOT NULL DEFAULT '', -- as the NAS sent it
	class              TEXT NOT NULL UNIQUE,     -- ties accounting to this authorization
	acct_session_id    TEXT NOT NULL DEFAULT '',
	authorized_at      INTEGER NOT NULL,         -- [s] since 1970, UTC
	updated_at         INTEGER NOT NULL,
	ended_at           INTEGER,
	input_octets       INTEGER NOT NULL DEFAULT 0,
	output_octets      INTEGER NOT NULL DEFAULT 0,
	CONSTRAINT "mac: expected a unicast MAC address"
		CHECK (typeof(mac) = 'integer' AND mac BETWEEN 1 AND 0xfeffffffffff AND (mac >> 40) & 1 = 0),
	CONSTRAINT "state: expected authorized, started, stopped, moved or expired"
		CHECK (state IN ('authorized', 'started', 'stopped', 'moved', 'expired')),
	CONSTRAINT "ended_at: expected a time exactly when the session is over"
		CHECK ((ended_at IS NULL) = (state IN ('authorized', 'started')))
);
-- One authorized place for a MAC.
CREATE UNIQUE INDEX session_live ON session (mac) WHERE ended_at IS NULL;
CREATE INDEX session_nas ON session (nas_address) WHERE ended_at IS NULL;
