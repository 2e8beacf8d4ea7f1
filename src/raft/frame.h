/*
 * What the replicas of a group, and nodes without one, say to each other on
 * the log link (net.h): {version u8, kind u8, fields}, little-endian.
 *
 * Encoding appends to a buf; decoding borrows from the octets. Nothing here
 * knows a clock, a link or a replica.
 */
#ifndef RAFT_FRAME_H
#define RAFT_FRAME_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "base/slice.h"
#include "raft/command.h"
#include "raft/slots.h"

#define FRAME_HEAD 2 /* octets */

enum frame_kind {
	FRAME_RAFT = 1,    /* raft's own: message.h */
	FRAME_PROPOSE = 2, /* to the leader: commands for its log */
	FRAME_REFUSED = 3, /* from it: what it does not put there */
	FRAME_ANSWER = 4,  /* from it: what apply says, to who has no replica */
	FRAME_READ_ASK = 5,   /* to the leader: how far must a read see? */
	FRAME_READ_INDEX = 6, /* from it: that far */
	FRAME_PING = 7,       /* of the leader: does this term go on? */
	FRAME_PONG = 8,       /* of a voter: for me it does */
	FRAME_REPORT = 9,     /* of a replica about itself: replica_report.h */
	FRAME_LEADER = 10,    /* to who asked the wrong one: ask that one */
};

/*
 * Octets of commands in one PROPOSE: above an entry's, so that what one entry
 * takes comes in one frame.
 */
#define FRAME_PROPOSE_MAX (256u * 1024)

/* Octets of answers in one ANSWER: some sixteen of the largest results. */
#define FRAME_ANSWER_MAX (256u * 1024)

/* Octets that an answer adds to its payload, at most. */
#define FRAME_ANSWER_HEAD_MAX 64

/* ---- all kinds ---- */

/*
 * What kind is it, and its fields. ERR_SYNTAX: no frame; ERR_VERSION: of a
 * later release, to be ignored.
 */
must_use enum err frame_open(struct slice octets, enum frame_kind *kind_r,
			     struct slice *fields_r);

/* Begins a frame: fields follow. */
void frame_begin(struct buf *out, enum frame_kind kind);

/* ---- PROPOSE: commands, one behind the other (entry.h) ---- */

/* Behind frame_begin or another command. False: the frame is full. */
must_use bool frame_add_command(struct buf *out, const struct command *command);

/* ERR_END behind the last one, ERR_SYNTAX. */
must_use enum err frame_next_command(struct slice *fields,
				     struct command *command_r);

/* ---- ANSWER ---- */

struct frame_answer {
	struct op_id op;
	uint16_t kind; /* of the command */
	enum slots_verdict verdict;
	enum err refusal;
	struct slice payload; /* at most COMMAND_RESULT_MAX octets */
	uint64_t index;       /* of the log, where it was applied */
	uint64_t highest;     /* as in slots_answer */
	uint64_t boot;
};

must_use bool frame_add_answer(struct buf *out,
			       const struct frame_answer *answer);
must_use enum err frame_next_answer(struct slice *fields,
				    struct frame_answer *answer_r);

/* ---- REFUSED ---- */

struct frame_refused {
	struct op_id op;
	enum err err; /* of OUTCOME_NOT_DONE: this leader, this time */
};

void frame_add_refused(struct buf *out, const struct frame_refused *refused);
must_use enum err frame_next_refused(struct slice *fields,
				     struct frame_refused *refused_r);

/* ---- the small ones ---- */

/* `term` of PING, PONG and LEADER; else 0. */
struct frame_note {
	uint64_t term;
	uint64_t seq;     /* of READ_ASK, READ_INDEX, PING, PONG */
	uint64_t index;   /* of READ_INDEX */
	uint64_t raft_id; /* of LEADER: 0: nobody that I know of */
	enum err err;     /* of READ_INDEX */
};

/* A whole frame of READ_ASK, READ_INDEX, PING, PONG or LEADER. */
void frame_put_note(struct buf *out, enum frame_kind kind,
		    const struct frame_note *note);
must_use enum err frame_get_note(enum frame_kind kind, struct slice fields,
				 struct frame_note *note_r);

#endif
