#!/bin/sh
# Renders the shipped English prompts anew: needs flite and sox (Debian packages of these names). Run by hand; its results are
# in the repository, because a server must not need a speech synthesiser to start. No word may sound like a beep for 80 ms (a
# closed vowel of this voice can): callers' programs wait for a tone before they speak; a unit test listens.
set -eu
cd "$(dirname "$0")/en-US"
say() {
  flite -voice slt -t "$2" -o "$1.raw.wav"
  # One loudness, a telephone's band, and no silence around the words.
  sox -V1 "$1.raw.wav" -r 8000 -b 16 -c 1 "$1.wav" silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse \
    sinc 200-3600 norm -9 pad 0.1 0.2
  rm "$1.raw.wav"
}
say greeting 'Your call cannot be answered now. Please leave a message after the tone. When you have finished, hang up, or press pound.'
say goodbye 'Thank you. Goodbye.'
say cannot-take 'We are sorry. No message can be taken at the moment. Please call again later. Goodbye.'
say test-call 'This is a test call of Open U M. If you can hear this message, calls reach the server, and it records them.'
