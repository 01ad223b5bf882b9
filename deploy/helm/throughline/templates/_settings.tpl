{{/* Environment variables of docs/settings.md. */}}

{{/*
The settings that a process reads, as entries of `env`: those that the chart itself gives (a dict), then `settings`, then those of the part alone.
dict "root" $ "part" "api" "given" (dict "ENVIRONMENT" "staging")
*/}}
{{- define "throughline.settings" -}}
{{- $values := get .root.Values .part -}}
{{- $all := merge (dict) ($values.settings | default dict) .root.Values.settings (.given | default dict) -}}
{{- range $name, $value := $all }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end -}}
