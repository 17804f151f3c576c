/** The two laws of G.711 (RFC 3551 §4.5.14); also the codec of a message's WAV: format 7 and 6. */
export type G711Law = 'PCMU' | 'PCMA';
