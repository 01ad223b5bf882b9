{{/* The Secret with all passwords: made once, or the user's. */}}

{{- define "throughline.secretName" -}}
{{- default (printf "%s-passwords" (include "throughline.fullname" .)) .Values.existingSecret -}}
{{- end -}}

{{- define "throughline.passwordKeys" -}}
redis-password history-owner-password history-writer-password history-reader-password elastic-password kibana-password kibana-encryption-key filebeat-password jaeger-password reader-password
{{- end -}}

{{/*
The Secret's `data` as JSON: what is in the cluster already, and a new value for each key that is not. It is kept in
.Values, where all templates of one rendering find it: a random value that is drawn twice is two values.
*/}}
{{- define "throughline.passwords" -}}
{{- if not (hasKey .Values "drawnPasswords") -}}
{{- $there := get (lookup "v1" "Secret" .Release.Namespace (include "throughline.secretName" .)) "data" | default dict -}}
{{- $all := deepCopy $there -}}
{{- if not .Values.existingSecret -}}
{{- range splitList " " (include "throughline.passwordKeys" .) -}}
{{- if not (get $all .) -}}
{{- $_ := set $all . (randAlphaNum 32 | b64enc) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values "drawnPasswords" (toJson $all) -}}
{{- end -}}
{{- .Values.drawnPasswords -}}
{{- end -}}

{{/* One value of the Secret, in base64; empty where the user's Secret cannot be read. dict "root" $ "key" "filebeat-password" */}}
{{- define "throughline.password" -}}
{{- get (include "throughline.passwords" .root | fromJson) .key -}}
{{- end -}}

{{/* An annotation of pods, which start anew when a password changes: they read it at their start alone. */}}
{{- define "throughline.secretChecksum" -}}
checksum/secret: {{ include "throughline.passwords" . | sha256sum }}
{{- end -}}

{{/* An entry of `env`. dict "root" $ "name" "REDIS_PASSWORD" "key" "redis-password" */}}
{{- define "throughline.passwordEnv" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ include "throughline.secretName" .root }}, key: {{ .key }}}}
{{- end -}}
