-- Expand: the rows of audit (docs/audit.md). Rows are only added; `sequence`, `previous_hash` and `hash` are set once, when
-- the object `Audit` links a row to the chain. Lengths are those of gateway/src/fleet/audit/row.rs.
CREATE TABLE audit_logs (
  id            TEXT    NOT NULL PRIMARY KEY,
  -- Milliseconds since 1970.
  timestamp     INTEGER NOT NULL CHECK (timestamp BETWEEN 0 AND 253402300799999),
  action        TEXT    NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
  user_id       TEXT,
  ip_address    TEXT,
  user_agent    TEXT    CHECK (length(user_agent) <= 512),
  resource_type TEXT,
  resource_id   TEXT,
  -- JSON.
  details       TEXT    CHECK (json_valid(details) AND length(details) <= 8192),
  status        TEXT    NOT NULL CHECK (status IN ('attempt', 'success', 'failure')),
  error_message TEXT,
  request_id    TEXT,
  -- The place in the chain, from 1; NULL until the row is linked. No two rows have one place.
  sequence      INTEGER UNIQUE,
  previous_hash TEXT,
  hash          TEXT
) STRICT;

-- Each ends as the list is sorted, so that a filter needs no sorting.
CREATE INDEX audit_logs_by_timestamp ON audit_logs (timestamp, id);
CREATE INDEX audit_logs_by_user      ON audit_logs (user_id, timestamp, id);
CREATE INDEX audit_logs_by_action    ON audit_logs (action, timestamp, id);
CREATE INDEX audit_logs_by_resource  ON audit_logs (resource_type, resource_id, timestamp, id);
CREATE INDEX audit_logs_by_request   ON audit_logs (request_id);
-- What the object looks for: small, because a row leaves it when it is linked.
CREATE INDEX audit_logs_unlinked     ON audit_logs (timestamp, id) WHERE sequence IS NULL;
