# Prints the rules of $sampled in throughline.conf.template, as OpenTelemetry's variables say it: what its SDK decides for
# the same trace in the other processes. Used by start.sh in the container and by the local run.
# It looks at "0 <trace ID>" or "1 <trace ID>" of a caller (0: it did not sample), or at "- <trace ID>" of a new trace.
BEGIN {
  disabled = setting("OTEL_SDK_DISABLED", "false")
  sampler = setting("OTEL_TRACES_SAMPLER", "parentbased_always_on")
  ratio = setting("OTEL_TRACES_SAMPLER_ARG", "1.0")
  if (disabled !~ /^(true|false)$/)
    wrong("OTEL_SDK_DISABLED", "must be true or false")
  if (sampler !~ /^(parentbased_)?(always_on|always_off|traceidratio)$/)
    wrong("OTEL_TRACES_SAMPLER", "must be always_on, always_off, traceidratio, parentbased_always_on, " \
          "parentbased_always_off or parentbased_traceidratio")
  if (ratio !~ /^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?$/ || ratio + 0 < 0 || ratio + 0 > 1)
    wrong("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1")

  if (sampler ~ /always_on$/) ratio = 1
  if (sampler ~ /always_off$/ || disabled == "true") ratio = 0
  root = below(ratio + 0)
  whose = "[01-]"
  if (sampler ~ /^parentbased_/ && disabled == "false") {
    print "\"~^1\" 1;"
    whose = "-"
  }
  if (root != "none")
    print "\"~^" whose " " root "\" 1;"
  print "default 0;"
}

# The SDK samples a trace if the lower 64 bits of its ID are below round(ratio * 2^64): as a pattern for all 32 digits.
# Every step is exact: multiplying by 16 and taking away a whole number loses no bit of a double.
function below(ratio,    digits, place, rest, same, choices) {
  if (ratio == 0) return "none"
  if (ratio == 1) return ""
  rest = ratio
  for (place = 1; place <= 16; place++) {
    rest *= 16
    digits[place] = int(rest)
    rest -= digits[place]
  }
  if (rest > 0.5 || (rest == 0.5 && digits[16] % 2 == 1)) { # as Python rounds: a half to the even neighbour
    for (place = 16; digits[place] == 15; place--) digits[place] = 0
    digits[place]++
  }
  for (place = 1; place <= 16; place++) {
    if (digits[place] > 0)
      choices = choices (choices == "" ? "" : "|") same up_to(digits[place] - 1)
    same = same sprintf("%x", digits[place])
  }
  return choices == "" ? "none" : ".{16}(?:" choices ")"
}

function up_to(digit) {
  if (digit == 0) return "0"
  if (digit < 10) return "[0-" digit "]"
  return "[0-9a" (digit == 10 ? "" : "-" sprintf("%x", digit)) "]"
}

function setting(name, otherwise,    value) {
  value = tolower(ENVIRON[name])
  if (value == "") return otherwise
  if (name != "OTEL_TRACES_SAMPLER") gsub(/^[ \t]+|[ \t]+$/, "", value)
  return value
}

function wrong(name, what) {
  print "Wrong setting: " name ": " what > "/dev/stderr"
  exit 1
}
