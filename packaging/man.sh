#!/bin/sh
# A man page from its source and from what the program says of itself, so that neither can become untrue.
#   packaging/man.sh VERSION packaging/man/NAME.in COMMAND [ARGUMENT …] > NAME
# @VERSION@ becomes the version; the line @USAGE@ what COMMAND prints, as it is; the line @KEYS@ what `smsbridged --help-config` prints, as lists.
set -eu
version=$1
source=$2
shift 2
said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$@" > "$said"
awk -v version="$version" -v said="$said" '
function plain(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); if (s ~ /^[.\047]/) s = "\\\\\\&" s; return s }
function usage(   s) {
    print ".Bd -literal"
    while ((getline s < said) > 0) { sub(/ +$/, "", s); print plain(s) }
    print ".Ed"
}
# "[section]", "# help", "# (rule)", "#key = default": config_help.c
function keys(   s, name, help, rule, later, open) {
    while ((getline s < said) > 0) {
        if (s ~ /^#?\[/) {
            if (open) print ".El"
            open = 1; name = s; sub(/^#/, "", name)
            print ".Ss " plain(name); print ".Bl -tag -width Ds"
        } else if (open && s ~ /^# \(/) {
            later = sub(/ without effect in this version$/, "", s)
            rule = substr(s, 4, length(s) - 4)
        } else if (open && s ~ /^# /) {
            help = substr(s, 3)
        } else if (open && s ~ /^#[a-z_0-9]+ =/) {
            name = s; sub(/^#/, "", name); sub(/ *=$/, "", name)
            print ".It Li \"" plain(name) "\""; print plain(help) "."
            print "Takes " plain(rule) "." (later ? "\nWithout effect in this version." : "")
        }
    }
    if (open) print ".El"
}
/^@USAGE@$/ { usage(); next }
/^@KEYS@$/ { keys(); next }
{ gsub(/@VERSION@/, version); print }' "$source"
