{{/* Where Redis and the history are, as entries of `env`. Kubernetes itself puts a password into its URL. */}}

{{- define "throughline.redisEnv" -}}
{{- if .Values.redis.enabled -}}
{{ include "throughline.passwordEnv" (dict "root" . "name" "REDIS_PASSWORD" "key" "redis-password") }}
- {name: REDIS_URL, value: "redis://:$(REDIS_PASSWORD)@{{ include "throughline.fullname" . }}-redis:6379/0"}
{{- else if .Values.externalRedis.existingSecret -}}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.externalRedis.existingSecret }}, key: {{ .Values.externalRedis.key }}}}
{{- else -}}
- {name: REDIS_URL, value: {{ .Values.externalRedis.url | quote }}}
{{- end -}}
{{- end -}}

{{/* dict "root" $ "user" "owner" (makes tables), "writer" (monitor) or "reader" (api) */}}
{{- define "throughline.historyEnv" -}}
{{- if .root.Values.postgres.enabled -}}
{{ include "throughline.passwordEnv" (dict "root" .root "name" "HISTORY_PASSWORD" "key" (printf "history-%s-password" .user)) }}
- {name: HISTORY_URL, value: "postgresql://history_{{ .user }}:$(HISTORY_PASSWORD)@{{ include "throughline.fullname" .root }}-postgres:5432/history"}
{{- else -}}
- name: HISTORY_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.externalPostgres.existingSecret }}, key: {{ .user }}-url}}
{{- end -}}
{{- end -}}
