/* One attempt: the request, the exchange, what the answer says, its outcome and its record. The
 * step_*.c files fill in what is theirs between these calls:
 *
 *     s3p_attempt_begin(&t, c, step);  …key, condition, body…  s3p_attempt_send(&t);  …evidence…
 * s3p_attempt_record(&t);
 *
 * Threads: on the stack of the client's coroutine. */
#ifndef S3P_ENGINE_ATTEMPT_H
#define S3P_ENGINE_ATTEMPT_H

#include "engine/answer.h"
#include "engine/run.h"
#include "s3/body.h"
#include "s3/documents.h"

#define S3P_ERROR_BYTES 4096u /* kept of an error document */

enum s3p_attempt_sink {                /* where the body of a 2xx goes */
                        S3P_SINK_KEEP, /* to the client's `answer` buffer, as error documents always
                                          do */
                        S3P_SINK_VERIFY, /* through `verify` */
                        S3P_SINK_DROP,
};

struct s3p_try {
    struct s3p_client *c;
    const struct s3p_step *step;
    struct s3p_request req;
    struct s3p_exchange x;
    struct s3p_attempt rec;
    struct s3p_answer answer;
    /* the body that is sent: cells of `body`, `text` when it is not NULL, or a constant */
    struct s3p_body body;
    const char *text;
    bool hashed; /* its hash is signed, whatever the plan says */
    char counter_text[S3P_COUNTER_BODY_MAX];
    /* the body that is received */
    enum s3p_attempt_sink sink;
    bool sink_started, kept_cut;
    struct s3p_verify verify;
    struct s3p_sum sum; /* beside it, when the answer tells its checksum */
    uint64_t key_hash;
    /* how it ended */
    struct s3p_str code; /* S3 error code */
    bool error_document;
    bool unreadable; /* a 2xx whose body is not what it must be */
    struct s3p_str list_args, list_next, upload_id, source_text;
    enum s3p_outcome outcome;
    size_t nentries, entry_text_bytes; /* of a page: room is made before the record */
    uint32_t position;                 /* of the record in its segment */
};

/* False: the phase ends, nothing more is sent. */
bool s3p_attempt_begin(struct s3p_try *t, struct s3p_client *c, const struct s3p_step *step);
/* Binds the attempt to a key: request, hash and record. The text is the client's `key` buffer or
 * the plan's. */
void s3p_attempt_key(struct s3p_try *t, struct s3p_keyref key);
/* The same by a text that a store named; it may be no key of the plan. */
void s3p_attempt_key_text(struct s3p_try *t, struct s3p_str key);
#define S3P_MD5_TEXT 24
/* Sends the client's `request` buffer, an XML document; `md5`: room for its Content-MD5, or NULL.
 */
void s3p_attempt_document(struct s3p_try *t, char md5[S3P_MD5_TEXT]);
/* Sends and classifies; afterwards answer, code and outcome are set and texts may be taken from the
 * answer. */
void s3p_attempt_send(struct s3p_try *t);
/* In `list_args`: how many fields the metadata have; 0 or 1: nothing. */
struct s3p_str s3p_fields_args(int n);
/* What the answer's body says beside its head: its ETag; that it cannot be read. Classifies again,
 * the first one with s3p_attempt_judge. */
void s3p_attempt_etag(struct s3p_try *t, struct s3p_str text);
void s3p_attempt_judge(struct s3p_try *t);
void s3p_attempt_unreadable(struct s3p_try *t, struct s3p_str what);
/* Counts, and appends the record. `entries` of a page are put by the callback, with room for
 * t->nentries and t->entry_text_bytes. */
void s3p_attempt_record(struct s3p_try *t, void (*put_entries)(struct s3p_try *t, void *arg),
                        void *arg);
/* The step's result for `when` and `until`, and where the program goes on. */
int s3p_attempt_next(struct s3p_try *t, int pc);

/* attempt_body.c: what attempt.c needs of the bodies. */
void s3p_try_set_payload(struct s3p_try *t); /* before the head is written */
void s3p_try_start_body(struct s3p_try *t);  /* after it */
/* once the head is known */
void s3p_try_start_sink(struct s3p_try *t, const struct s3p_exchange *x);
void s3p_try_take_body(void *attempt, const struct s3p_exchange *x, const uint8_t *p, size_t len);
void s3p_try_end_verify(struct s3p_try *t);

/* The kinds of S3 steps: run the step at pc; the next pc, or a negative enum s3p_step_end. */
enum s3p_step_end { S3P_END_RUN = -1, S3P_END_NO_KEY = -2, S3P_END_STOPPED = -3 };
typedef int s3p_step_fn(struct s3p_client *c, int pc);
s3p_step_fn s3p_step_object, s3p_step_copy, s3p_step_tags, s3p_step_attributes, s3p_step_list,
    s3p_step_delete_objects, s3p_step_bucket;
s3p_step_fn s3p_step_create_upload, s3p_step_upload_part, s3p_step_complete_upload,
    s3p_step_abort_upload, s3p_step_abort_uploads;

/* A worker's memory of object sizes: 0 when it knows none. */
uint64_t s3p_size_known(const struct s3p_worker *w, struct s3p_keyref key);
void s3p_size_learn(struct s3p_worker *w, struct s3p_keyref key, uint64_t size);

#endif
