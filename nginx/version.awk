# Prints what ${SERVICE_VERSION} in throughline.conf.template is filled with: the variable, or the version in the given
# pyproject.toml. It stands between quotes in NGINX's configuration, and in each line that NGINX writes.
BEGIN {
  version = ENVIRON["SERVICE_VERSION"]
  if (version != "" && (version !~ /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/ || length(version) > 128)) {
    print "Wrong setting: SERVICE_VERSION: must be like an image's tag: at most 128 letters, digits, and . _ + - after " \
          "the first" > "/dev/stderr"
    exit 1
  }
  if (version != "") {
    print version
    exit
  }
}
/^version = "/ {
  split($0, part, "\"")
  print part[2]
  exit
}
