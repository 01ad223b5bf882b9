{{/* Values that make no sense together, each refused with one line that says what to do. What is wrong alone, the schema refuses. */}}

{{- define "throughline.validation" -}}
{{- include "throughline.validation.settings" . -}}
{{- include "throughline.validation.stores" . -}}
{{- end -}}

{{/* What the chart gives its processes itself, then the orders of docs/settings.md, as the process would say them. */}}
{{- define "throughline.validation.settings" -}}
{{- $known := .Files.Get "files/settings.json" | fromJson -}}
{{- $root := . -}}
{{- range $part := list "" "api" "worker" "monitor" "nginx" -}}
{{- $where := ternary "settings" (printf "%s.settings" $part) (empty $part) -}}
{{- $set := ternary $root.Values.settings (get (get $root.Values $part | default dict) "settings" | default dict) (empty $part) -}}
{{- range $name, $_ := $set -}}
{{- with get $known.instead $name -}}
{{- fail (printf "%s: %s is given by the chart. Use %s." $where $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong := list -}}
{{- range $part := list "api" "worker" "monitor" "nginx" -}}
{{- $read := get $known.readers $part -}}
{{- $set := merge (dict) (get $root.Values $part).settings $root.Values.settings -}}
{{- range $order := $known.orders -}}
{{- if and (has $order.smaller $read) (has $order.larger $read) -}}
{{- $smaller := ternary (get $set $order.smaller) $order.smallerDefault (hasKey $set $order.smaller) | float64 -}}
{{- $larger := ternary (get $set $order.larger) $order.largerDefault (hasKey $set $order.larger) | float64 -}}
{{- $least := addf $smaller $order.margin -}}
{{- if or (gt $least $larger) (and (eq $least $larger) (not $order.mayBeEqual)) -}}
{{- $wrong = append $wrong (printf "Wrong setting: %s (%s) must be %s %s (%s): %s" $order.smaller (include "throughline.plainNumber" $smaller) $order.relation $order.larger (include "throughline.plainNumber" $larger) $order.otherwise) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $wrong | uniq -}}
{{- fail (join "\n" .) -}}
{{- end -}}
{{- end -}}

{{- define "throughline.validation.stores" -}}
{{- $redis := .Values.externalRedis -}}
{{- if and .Values.redis.enabled (or $redis.url $redis.existingSecret) -}}
{{- fail "redis.enabled and externalRedis name two Redis: set redis.enabled to false, or take externalRedis away." -}}
{{- end -}}
{{- if not (or .Values.redis.enabled $redis.url $redis.existingSecret) -}}
{{- fail "redis.enabled is false and externalRedis names none: set externalRedis.url or externalRedis.existingSecret." -}}
{{- end -}}
{{- if and $redis.url $redis.existingSecret -}}
{{- fail "externalRedis.url and externalRedis.existingSecret name two addresses: give one of them." -}}
{{- end -}}
{{- if and $redis.url (not (regexMatch "^rediss?://[^@\\s]+$" $redis.url)) -}}
{{- fail "externalRedis.url must be redis://host:port/database or rediss://…, without a password: an address with one goes into a Secret, which externalRedis.existingSecret names." -}}
{{- end -}}
{{- $postgres := .Values.externalPostgres.existingSecret -}}
{{- if and .Values.postgres.enabled $postgres -}}
{{- fail "postgres.enabled and externalPostgres.existingSecret name two PostgreSQL: set postgres.enabled to false, or take externalPostgres.existingSecret away." -}}
{{- end -}}
{{- if not (or .Values.postgres.enabled $postgres) -}}
{{- fail "postgres.enabled is false and externalPostgres names none: set externalPostgres.existingSecret." -}}
{{- end -}}
{{- end -}}
