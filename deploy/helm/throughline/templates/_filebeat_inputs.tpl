{{/* The files that Filebeat reads. dict "root" $ "identity" "fingerprint" */}}
{{- define "throughline.filebeatInputs" -}}
{{- $fullname := include "throughline.fullname" .root -}}
{{- $safe := "[bcdfghjklmnpqrstvwxz2456789]" -}}
# The kubelet's files: <namespace>_<pod>_<uid>/<container>/<run>.log, with a date behind it once it was rotated.
filebeat.inputs:
  - type: filestream
    id: pods
    paths: ["/var/log/pods/{{ .root.Release.Namespace }}_{{ $fullname }}-*/*/*.log*"]
    # Of this release alone, whatever others are called: a Deployment's pods end on two parts without vowels.
    prospector.scanner.include_files:
      - '^/var/log/pods/{{ .root.Release.Namespace }}_{{ $fullname }}-((nginx|api-blue|api-green|worker|monitor)-{{ $safe }}{1,10}-?{{ $safe }}{5}|redis-[0-9]+)_[0-9a-f-]+/(nginx|api|worker|monitor|redis)/[0-9]+\.log(\.[0-9]+-[0-9]+)?$'
    prospector.scanner.check_interval: 1s
    {{- if eq .identity "fingerprint" }}
    prospector.scanner.fingerprint: {enabled: true, offset: 0, length: 64} # a first line has a moment in nanoseconds
    {{- end }}
    file_identity.{{ .identity }}: ~
    # The file of a removed pod is removed too: Filebeat keeps it open and reads it to the end.
    close.on_state_change.removed: false
    clean_removed: false
    backoff: {init: 100ms, max: 1s}
    parsers:
      - container: {format: cri}
    processors:
      - dissect:
          field: log.file.path
          tokenizer: "/var/log/pods/%{?namespace}_%{container}_%{run}.log"
          target_prefix: ""
{{- end -}}
