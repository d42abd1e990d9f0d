/* SPDX-License-Identifier: MIT */

/*
 * Content codings (RFC 9110 8.4): gzip, deflate, br and zstd behind one table, as streams.
 *
 *     struct wf_encoder *encoder;
 *     rc = wf_encoder_new(&encoder, WF_CODING_GZIP, WF_CODING_UNKNOWN_BYTES);
 *     struct wf_coding_io io = {in, in_len, out, room};
 *     while ((rc = wf_encoder_step(encoder, &io, WF_CODING_FINISH)) == 0)
 *         ... out is full: take what is there, give io.out and io.room anew ...
 *
 * Nothing here waits or knows a loop.  Whoever has more than WF_CODING_STEP_BYTES to code does it
 * on a thread of the executor: at 50 to 100 MB a second that much holds a loop for a millisecond.
 *
 * Each coding comes with its library and is left out where Weft is built without it.
 */
#ifndef WF_CODING_H
#define WF_CODING_H

#include <weft/base.h>

/* In the server's order of preference. */
enum wf_coding {
    WF_CODING_IDENTITY, /* no coding */
    WF_CODING_ZSTD,
    WF_CODING_BR,
    WF_CODING_GZIP,
    WF_CODING_DEFLATE, /* the zlib format; bare deflate is understood too */
    WF_CODING_COUNT,
    WF_CODING_NONE = WF_CODING_COUNT, /* no coding of ours */
};

/* The most that is coded on the loop in one step. */
#define WF_CODING_STEP_BYTES ((size_t)64 * 1024)

/* ---- names ---- */

/* "gzip"; "identity" too. */
const char *wf_coding_name(enum wf_coding coding);

/* The coding of that name in any case ("x-gzip" is gzip), or NONE: unknown, or not built in. */
enum wf_coding wf_coding_named(weft_str name);

bool wf_coding_is_there(enum wf_coding coding);

/* "zstd, br, gzip, deflate", as far as they are built in; "" without any. */
const char *wf_coding_list(void);

/* What the fields Content-Encoding of a message come to: IDENTITY, one coding, or NONE for an
 * unknown one and for more than one.  Begin with IDENTITY and add each field. */
enum wf_coding wf_coding_add_field(enum wf_coding so_far, weft_str field);

/* ---- coding ---- */

/* Moved on by each step. */
struct wf_coding_io {
    const char *in; /* not NULL, of no bytes either */
    size_t in_len;
    char *out;
    size_t room;
};

enum wf_coding_flush {
    WF_CODING_FLUSH, /* all that was given can be decoded from what came out */
    WF_CODING_FINISH,
};

#define WF_CODING_UNKNOWN_BYTES UINT64_MAX

/* With less room zlib says the end of a flush again and again. */
#define WF_CODING_ROOM_MIN ((size_t)16)

struct wf_encoder;

/* `bytes` will come, exactly; or unknown.  -ENOMEM; -EPROTONOSUPPORT: not built in. */
int wf_encoder_new(struct wf_encoder **out, enum wf_coding coding, uint64_t bytes);

/* Codes and flushes.  1: done; 0: there is no room left, call again with ROOM_MIN at least;
 * -ENOMEM. */
int wf_encoder_step(struct wf_encoder *encoder, struct wf_coding_io *io,
                    enum wf_coding_flush flush);

/* NULL is fine. */
void wf_encoder_free(struct wf_encoder *encoder);

/* ---- decoding ---- */

/* 0: none. */
struct wf_coding_limits {
    uint64_t bytes_max; /* that come out */
    uint32_t ratio_max; /* out to in, judged after the first 64 KiB that come out */
};

struct wf_decoder;

/* -ENOMEM; -EPROTONOSUPPORT: not built in. */
int wf_decoder_new(struct wf_decoder **out, enum wf_coding coding,
                   const struct wf_coding_limits *limits);

/* Decodes until the input or the room is used up.  0; -WEFT_ESYNTAX: not of this coding, or bytes
 * behind its end; -WEFT_ELIMIT, see below; -ENOMEM.  An error comes again for ever. */
int wf_decoder_step(struct wf_decoder *decoder, struct wf_coding_io *io);

/* The input so far is whole: it ended where the coding ends, or there was none at all. */
bool wf_decoder_is_whole(const struct wf_decoder *decoder);

/* After -WEFT_ELIMIT: which, its value, and what was seen. */
const char *wf_decoder_limit(const struct wf_decoder *decoder, uint64_t *out_limit,
                             uint64_t *out_seen);

/* NULL is fine. */
void wf_decoder_free(struct wf_decoder *decoder);

#endif
