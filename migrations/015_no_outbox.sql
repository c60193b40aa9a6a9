-- Nothing has ever read the outbox, and nothing removed what was in it. What plans
-- do is in audit_events, written by the same transaction: see docs/adr/0016.
-- squawk-ignore ban-drop-table
drop table events;
