#!/bin/sh
# Makes test/fixtures/jpegs: every sampling of chroma that encoders write, at sides that no block divides.
# Needs cjpeg and djpeg of libjpeg-turbo 2.1.5 (Debian 12: libjpeg-turbo-progs).
set -eu
cd "$(dirname "$0")/../../test/fixtures"
photo=$(mktemp)
trap 'rm -f "$photo"' EXIT
djpeg -scale 3/8 -outfile "$photo" photos/baseline.jpg # 60 × 45
encode() { # name, options of cjpeg
  name=$1
  shift
  cjpeg -quality 85 "$@" -outfile "jpegs/$name.jpg" "$photo"
}
for sampling in 1x1 2x1 1x2 2x2 4x1 4x2 1x4; do
  encode "$sampling" -sample "$sampling"
  encode "$sampling-progressive" -sample "$sampling" -progressive
done
encode mixed -sample 2x2,2x1,1x2
encode restart -sample 2x2 -restart 1B
encode coarse -sample 2x2 -quality 1 -baseline
encode rgb -rgb
encode grey -grayscale
encode arithmetic -arithmetic
