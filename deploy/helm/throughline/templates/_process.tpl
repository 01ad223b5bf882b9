{{/* What the processes of Throughline's own code share: api, worker and monitor. */}}

{{/*
Environment of a process: who it is, the settings that it reads, Redis, where spans go.
dict "root" $ "part" "api" "image" "registry/api:1.2" "given" (dict …)
*/}}
{{- define "throughline.processEnv" -}}
{{- $given := dict "ENVIRONMENT" .root.Values.environment "SERVICE_VERSION" (include "throughline.version" .image) -}}
{{- $_ := set $given "OTEL_EXPORTER_OTLP_ENDPOINT" (include "throughline.otlpEndpoint" .root) -}}
{{- range $name, $value := merge $given (.given | default dict) }}{{ if eq (toString $value) "" }}{{ $_ := unset $given $name }}{{ end }}{{ end -}}
- {name: SERVICE_NODE_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- include "throughline.settings" (dict "root" .root "part" .part "given" $given) }}
{{- include "throughline.otlpHeadersEnv" .root }}
{{ include "throughline.redisEnv" .root }}
{{- end -}}

{{/* What a log line and a span say as `service.version`: the tag of the image. */}}
{{- define "throughline.version" -}}
{{- regexFind "[^:/@]+$" . -}}
{{- end -}}

{{/* A folder that a process may write to; the rest of its file system is read-only. */}}
{{- define "throughline.tmpVolume" -}}
- {name: tmp, emptyDir: {}}
{{- end -}}

{{/* The file of API keys, where there is one. */}}
{{- define "throughline.apiKeysVolume" -}}
{{- with .Values.apiKeysSecret }}
- name: api-keys
  secret: {secretName: {{ . }}, items: [{key: api-keys, path: api-keys}]}
{{- end }}
{{- end -}}

{{- define "throughline.apiKeysMount" -}}
{{- if .Values.apiKeysSecret }}
- {name: api-keys, mountPath: /run/throughline, readOnly: true}
{{- end }}
{{- end -}}

{{- define "throughline.apiKeysEnv" -}}
{{- if .Values.apiKeysSecret }}
- {name: API_KEYS_FILE, value: /run/throughline/api-keys}
{{- end }}
{{- end -}}

{{/* A pod more while a Deployment changes, and none fewer. */}}
{{- define "throughline.rollingUpdate" -}}
type: RollingUpdate
rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
{{- end -}}
