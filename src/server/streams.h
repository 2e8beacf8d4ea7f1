/*
 * What streams of the bulk link are for: the first octet of each. On the wire:
 * numbers are never used again.
 */
#ifndef SERVER_STREAMS_H
#define SERVER_STREAMS_H

enum server_stream {
	PEER_STREAM_BODY = 1,    /* a body on its way to a replica */
	PEER_STREAM_FETCH = 2,   /* a body that the opener lacks */
	PEER_STREAM_HAVE = 3,    /* put a hold on bodies, fetch if need be */
	PEER_STREAM_ENTRIES = 4, /* of a log, for a replica that lacks them */
	PEER_STREAM_COPY = 5,    /* of a state, likewise */
	PEER_STREAM_CHANNEL = 6, /* asks of a session (proxy/channel.h) */
};

#endif
