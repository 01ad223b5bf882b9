{{/* Values that make no sense together, each refused with one line that says what to do. What is wrong alone, the schema refuses. */}}

{{- define "throughline.validation" -}}
{{- range $what := list "names" "settings" "stores" "connections" "parts" "resources" "plane" "secrets" -}}
{{- include (printf "throughline.validation.%s" $what) $ -}}
{{- end -}}
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

{{/* Each api and each monitor keeps up to four connections to PostgreSQL; during an upgrade there is one pod more of each. */}}
{{- define "throughline.validation.connections" -}}
{{- $api := .Values.api -}}
{{- $each := ternary $api.autoscaling.to $api.replicas $api.autoscaling.enabled | int -}}
{{- $colours := add (ternary 1 0 $api.blue.enabled) (ternary 1 0 $api.green.enabled) -}}
{{- $needed := mul 4 (add (mul $colours (add1 $each)) (add1 .Values.monitor.replicas)) | add 4 -}}
{{- if and .Values.postgres.enabled (gt (int $needed) (int .Values.postgres.maxConnections)) -}}
{{- fail (printf "postgres.maxConnections (%v) must be at least %d for so many api and monitor pods, which keep four connections each." .Values.postgres.maxConnections $needed) -}}
{{- end -}}
{{- end -}}

{{/* Names of objects that Kubernetes would refuse, or that would be cut off and could then be another release's. */}}
{{- define "throughline.validation.names" -}}
{{- $name := .Values.fullnameOverride | default (printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride)) -}}
{{- if not (or .Values.fullnameOverride (not (contains (include "throughline.name" .) .Release.Name))) -}}
{{- $name = .Release.Name -}}
{{- end -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "The names of this release's objects would begin with %s, which is longer than 40 characters: choose a shorter name for the release, or set fullnameOverride." $name) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "The names of this release's objects would begin with %s, which must be lower-case letters, digits and hyphens, a letter first: choose another name for the release, or set fullnameOverride." $name) -}}
{{- end -}}
{{- if and (gt (len .Release.Namespace) 54) (not .Values.filebeat.namespace.name) -}}
{{- fail (printf "Filebeat's namespace would be %s-filebeat, which is longer than 63 characters: set filebeat.namespace.name." .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{- define "throughline.validation.parts" -}}
{{- $api := .Values.api -}}
{{- if not (get $api $api.active).enabled -}}
{{- fail (printf "api.active is %s, and api.%s.enabled is false: NGINX would have nobody to send requests to; set api.%s.enabled to true, or make the other colour active." $api.active $api.active $api.active) -}}
{{- end -}}
{{- range $part := list "api" "worker" -}}
{{- $scaling := (get $.Values $part).autoscaling -}}
{{- if gt (int $scaling.from) (int $scaling.to) -}}
{{- fail (printf "%s.autoscaling.from (%v) must be at most %s.autoscaling.to (%v)." $part $scaling.from $part $scaling.to) -}}
{{- end -}}
{{- $onCpu := or (eq $part "api") (not ($.Capabilities.APIVersions.Has "keda.sh/v1alpha1/ScaledObject")) -}}
{{- if and $scaling.enabled $onCpu (not (dig "resources" "requests" "cpu" "" (get $.Values $part))) -}}
{{- fail (printf "%s.autoscaling goes by the share of the CPU that a pod asks for: set %s.resources.requests.cpu." $part $part) -}}
{{- end -}}
{{- end -}}
{{- $nginx := .Values.nginx -}}
{{- if and $nginx.ingress.enabled (not $nginx.ingress.host) -}}
{{- fail "nginx.ingress.enabled is true, and nginx.ingress.host is empty: set it to the host that clients use." -}}
{{- end -}}
{{- if and $nginx.service.nodePort (eq $nginx.service.type "ClusterIP") -}}
{{- fail "nginx.service.nodePort is set and nginx.service.type is ClusterIP, which has none: set the type to NodePort or LoadBalancer." -}}
{{- end -}}
{{- end -}}

{{/* More memory than there is, and more asked for than may be used. */}}
{{- define "throughline.validation.resources" -}}
{{- range $part := list "nginx" "api" "worker" "monitor" "redis" "postgres" "otelCollector" "filebeat" -}}
{{- $resources := (get $.Values $part).resources -}}
{{- range $what := list "cpu" "memory" -}}
{{- $request := dig "requests" $what "" $resources -}}
{{- $limit := dig "limits" $what "" $resources -}}
{{- if and $request $limit (gt (include "throughline.quantity" $request | float64) (include "throughline.quantity" $limit | float64)) -}}
{{- fail (printf "%s.resources asks for %s of %v and allows %v: the request must be at most the limit." $part $what $request $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with dig "limits" "memory" "" .Values.redis.resources -}}
{{- if and $.Values.redis.enabled (ge (mulf $.Values.redis.maxmemoryMb 1048576) (include "throughline.quantity" . | float64)) -}}
{{- fail (printf "redis.maxmemoryMb (%v) must be below redis.resources.limits.memory (%v): Redis would be killed before it refuses a task." $.Values.redis.maxmemoryMb .) -}}
{{- end -}}
{{- end -}}
{{- with dig "limits" "memory" "" .Values.worker.resources -}}
{{- $most := dig "WORKER_MAX_MEMORY_MB" (dig "WORKER_MAX_MEMORY_MB" 0 $.Values.settings) $.Values.worker.settings -}}
{{- if gt (mulf $most 1048576) (include "throughline.quantity" . | float64) -}}
{{- fail (printf "WORKER_MAX_MEMORY_MB (%v) must be at most worker.resources.limits.memory (%v): a worker would be killed before it replaces a process." $most .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where log lines and spans go. */}}
{{- define "throughline.validation.plane" -}}
{{- $search := .Values.elasticsearch -}}
{{- if and (eq (toString .Values.filebeat.enabled) "true") (not (or $search.url .Values.demo.enabled)) -}}
{{- fail "filebeat.enabled is true and there is no Elasticsearch to ship to: set elasticsearch.url or demo.enabled, or filebeat.enabled to auto." -}}
{{- end -}}
{{- if and $search.kibanaUrl (not $search.url) -}}
{{- fail "elasticsearch.kibanaUrl names a Kibana and nothing names its Elasticsearch: set elasticsearch.url too." -}}
{{- end -}}
{{- if and .Values.otlp.headersSecret (not .Values.otlp.endpoint) -}}
{{- fail "otlp.headersSecret is set without otlp.endpoint: set the address that the headers are for." -}}
{{- end -}}
{{- if and .Values.otlp.endpoint .Values.otelCollector.exportTo -}}
{{- fail "otlp.endpoint takes the place of the chart's collector, and otelCollector.exportTo says where that one sends spans: give one of them." -}}
{{- end -}}
{{- end -}}

{{/* Secrets of the user's. One that Helm cannot see yet (`helm template`) is taken on trust: a pod then says which key it lacks. */}}
{{- define "throughline.validation.secrets" -}}
{{- $passwords := list -}}
{{- if .Values.redis.enabled }}{{ $passwords = append $passwords "redis-password" }}{{ end -}}
{{- if .Values.postgres.enabled }}{{ $passwords = concat $passwords (list "history-owner-password" "history-writer-password" "history-reader-password") }}{{ end -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "existingSecret" "name" .Values.existingSecret "keys" $passwords "plain" true) -}}
{{- if include "throughline.elasticsearchUrl" . -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "existingSecret" "name" .Values.existingSecret "keys" (list "reader-password")) -}}
{{- end -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "apiKeysSecret" "name" .Values.apiKeysSecret "keys" (list "api-keys")) -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "externalRedis.existingSecret" "name" .Values.externalRedis.existingSecret "keys" (list .Values.externalRedis.key)) -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "externalPostgres.existingSecret" "name" .Values.externalPostgres.existingSecret "keys" (list "owner-url" "writer-url" "reader-url")) -}}
{{- include "throughline.validation.secret" (dict "root" . "value" "otlp.headersSecret" "name" .Values.otlp.headersSecret "keys" (list "headers")) -}}
{{- end -}}

{{/* dict "root" $ "value" "apiKeysSecret" "name" "keys" "keys" (list "api-keys"), and "plain" where the keys become parts of URLs */}}
{{- define "throughline.validation.secret" -}}
{{- $data := dict -}}
{{- if .name }}{{ $data = get (lookup "v1" "Secret" .root.Release.Namespace .name) "data" | default dict }}{{ end -}}
{{- if $data -}}
{{- range .keys -}}
{{- if not (get $data .) -}}
{{- fail (printf "%s: the Secret %s has no key %s: add it (docs/howto/kubernetes.md lists the keys)." $.value $.name .) -}}
{{- end -}}
{{- if and $.plain (not (regexMatch "^[A-Za-z0-9._~-]+$" (get $data . | b64dec))) -}}
{{- fail (printf "%s: the key %s of the Secret %s becomes part of a URL: it must be letters, digits, and . _ ~ - alone." $.value . $.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
