-- name: InstanceID :one
select id from instance;
