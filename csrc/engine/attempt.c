#include "engine/attempt.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "s3/xml.h"

#define CHECKSUM_TEXT_MAX 128
#define TEXT_MAX 1024 /* of a header value that is recorded */
#define UNREACHED_PAUSE_NS (50 * S3P_MS)
#define PATIENCE_DEADLINES 2

/* Under a rule on attempts each is counted before it begins, so that exactly so many are made. */
static bool admitted(struct s3p_client *c)
{
    struct s3p_engine *e = c->w->e;
    if (s3p_client_ended(c))
        return false;
    if (e->plan->stop_attempts == 0 || e->phase != S3P_MAIN)
        return true;
    uint64_t n = atomic_fetch_add_explicit(&e->main_attempts, 1, memory_order_relaxed);
    if (n + 1 >= e->plan->stop_attempts)
        s3p_engine_stop_phase(e);
    return n < e->plan->stop_attempts;
}

bool s3p_attempt_begin(struct s3p_try *t, struct s3p_client *c, const struct s3p_step *step)
{
    const struct s3p_engine *e = c->w->e;
    if (!admitted(c))
        return false;
    memset(t, 0, sizeof *t);
    t->c = c;
    t->step = step;
    t->req.op = step->op;
    const char *bucket = e->bucket_name[step->bucket];
    t->req.bucket = (struct s3p_str){bucket, strlen(bucket)};
    t->req.payload = S3P_PAYLOAD_EMPTY;
    struct s3p_attempt *r = &t->rec;
    r->op = (uint8_t)step->op;
    r->bucket = step->bucket;
    r->key_index = S3P_NO_INDEX;
    r->counter = INT64_MIN;
    r->client = c->index;
    r->group = c->group_index;
    r->endpoint = c->endpoint;
    r->worker = (uint16_t)c->w->index;
    r->run_phase = (uint8_t)e->phase;
    r->t_sched = c->t_sched;
    c->t_sched = 0;
    if (c->ambiguous_step == (int)(step - c->g->program.steps)) {
        r->op_seq = c->ambiguous_seq;
        c->ambiguous_attempt += c->ambiguous_attempt < UINT16_MAX;
        r->attempt = c->ambiguous_attempt;
        r->flags = S3P_FLAG_RETRY_AMBIGUOUS;
    } else {
        r->op_seq = ++c->op_seq;
    }
    return true;
}

void s3p_attempt_key(struct s3p_try *t, struct s3p_keyref key)
{
    const struct s3p_plan *plan = t->c->w->e->plan;
    const struct s3p_space *space = &plan->spaces.space[key.space];
    struct s3p_str role = plan->bucket[space->bucket];
    t->req.key = s3p_space_text(space, key.index, t->c->key);
    t->key_hash = s3p_key_hash(role.p, role.len, t->req.key.p, t->req.key.len);
    t->rec.space = key.space;
    t->rec.key_index = key.index;
}

void s3p_attempt_key_text(struct s3p_try *t, struct s3p_str key)
{
    struct s3p_keyref known;
    t->req.key = key;
    if (!s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, key, &known))
        return;
    t->rec.space = known.space;
    t->rec.key_index = known.index;
}

void s3p_attempt_document(struct s3p_try *t, char md5[S3P_MD5_TEXT])
{
    const struct s3p_buf *b = &t->c->request;
    t->text = b->data;
    t->hashed = true;
    t->req.body_len = b->len;
    if (md5 == NULL)
        return;
    s3p_content_md5(md5, b->data, b->len);
    t->req.content_md5 = (struct s3p_str){md5, S3P_MD5_TEXT};
}

/* ---- outcome ---- */

static void read_error(struct s3p_try *t)
{
    const struct s3p_buf *kept = &t->c->answer;
    struct s3p_str message;
    if (t->x.parsed == NULL || kept->len == 0 ||
        !s3p_xml_error(kept->data, kept->len, &t->code, &message))
        return;
    t->error_document = t->x.parsed->status / 100 == 2;
}

void s3p_attempt_judge(struct s3p_try *t)
{
    char code[64];
    size_t n = t->code.len < sizeof code - 1 ? t->code.len : sizeof code - 1;
    enum s3p_evidence evidence;
    memcpy(code, n == 0 ? "" : t->code.p, n);
    code[n] = 0;
    /* of a copy with conditions on both ends nobody knows which one did not hold */
    bool either = t->req.source.cond != S3P_COND_NONE;
    struct s3p_end end = {.op = t->step->op,
                          .cond = either ? S3P_COND_NONE : t->req.cond,
                          .phase = (int)t->x.phase,
                          .status = t->x.parsed != NULL ? t->x.parsed->status : 0,
                          .code = code,
                          .error_document = t->error_document,
                          .has_etag = t->answer.etag.len != 0,
                          .body_complete = t->x.phase == S3P_PHASE_ANSWERED && !t->unreadable};
    t->outcome = s3p_outcome_of(&end, &evidence);
    if (t->outcome == S3P_FAILED && (t->rec.flags & S3P_FLAG_RETRY_AMBIGUOUS) != 0) {
        /* of the operation, whose earlier attempt may have been carried out */
        t->outcome = S3P_UNKNOWN;
        evidence = S3P_EV_NONE;
    }
    t->rec.outcome = (uint8_t)t->outcome;
    t->rec.evidence = (uint8_t)evidence;
}

void s3p_attempt_etag(struct s3p_try *t, struct s3p_str text)
{
    struct s3p_etag etag = s3p_etag_parse(text.p, text.len);
    t->answer.etag = text;
    memcpy(t->rec.etag.b, etag.b, sizeof etag.b);
    t->rec.etag_form = etag.form;
}

void s3p_attempt_unreadable(struct s3p_try *t, struct s3p_str what)
{
    t->unreadable = true;
    t->code = what;
    s3p_attempt_judge(t);
}

struct s3p_str s3p_fields_args(int n)
{
    static const char *const texts[S3P_TAGS_MAX + 1] = {
        [2] = "fields=2", [3] = "fields=3", [4] = "fields=4", [5] = "fields=5", [6] = "fields=6",
        [7] = "fields=7", [8] = "fields=8", [9] = "fields=9", [10] = "fields=10"};
    return (struct s3p_str){texts[n], texts[n] != NULL ? strlen(texts[n]) : 0};
}

/* The id; of several fields none unless they are one whole set. */
static void read_meta(struct s3p_try *t)
{
    struct s3p_attempt *r = &t->rec;
    const struct s3p_answer *a = &t->answer;
    struct s3p_id named;
    r->meta_id = a->meta_id;
    if (a->nfields == 0 || (a->nfields == 1 && !s3p_id_none(a->meta_id)))
        return;
    if (s3p_tags_judge(a->field, a->nfields, &named) == S3P_BODY_CLEAN) {
        t->list_args = s3p_fields_args(a->nfields);
        return;
    }
    t->list_args = S3P_STR("fields=torn");
    memset(&r->meta_id, 0, sizeof r->meta_id);
}

static void read_answer(struct s3p_try *t)
{
    struct s3p_attempt *r = &t->rec;
    const struct s3p_http1 *h = t->x.parsed;
    if (h == NULL)
        return;
    if (!t->sink_started)
        s3p_try_start_sink(t, &t->x);
    r->status = (uint16_t)h->status;
    s3p_try_end_verify(t);
    read_error(t);
    s3p_attempt_etag(t, t->answer.etag);
    r->last_modified = t->answer.last_modified;
    r->flags |= t->answer.delete_marker ? S3P_FLAG_DELETE_MARKER : 0;
    if (s3p_op_table[t->step->op].cls == S3P_CLASS_READ) {
        read_meta(t);
        if (h->status == 206 && t->answer.object_size != UINT64_MAX)
            r->size = t->answer.object_size;
        else if (h->status / 100 == 2)
            r->size = h->content_length >= 0 ? (uint64_t)h->content_length : t->x.body_received;
    }
}

/* ---- sending ---- */

static void count_start(struct s3p_worker *w)
{
    uint64_t n = atomic_load_explicit(&w->in_flight, memory_order_relaxed) + 1;
    atomic_store_explicit(&w->in_flight, n, memory_order_relaxed);
    w->in_flight_max = n > w->in_flight_max ? n : w->in_flight_max;
    s3p_bump(&w->attempts, 1);
}

static bool write_head(struct s3p_try *t)
{
    struct s3p_client *c = t->c;
    s3p_buf_clear(&c->head);
    s3p_try_set_payload(t);
    return s3p_request_write(c->ctx, &t->req, s3p_wall_ns() / S3P_S, &c->head);
}

static void exchange(struct s3p_try *t)
{
    struct s3p_client *c = t->c;
    struct s3p_exchange *x = &t->x;
    *x = (struct s3p_exchange){
        .head = c->head.data,
        .head_len = c->head.len,
        .head_method = t->req.op == S3P_OP_HEAD || t->req.op == S3P_OP_HEAD_BUCKET,
        .sink = s3p_try_take_body,
        .sink_arg = t,
        .deadline_ns = t->rec.t_call + c->w->e->plan->deadline_ns,
    };
    s3p_try_start_body(t);
    s3p_conn_exchange(c->conn, x);
}

void s3p_attempt_send(struct s3p_try *t)
{
    struct s3p_client *c = t->c;
    struct s3p_worker *w = c->w;
    struct s3p_attempt *r = &t->rec;
    s3p_buf_clear(&c->answer);
    count_start(w);
    bool written = write_head(t);
    /* A fresh reading, not the loop's: a delete must be seen to follow the write that returned in
     * the same turn. */
    r->t_call = s3p_now_ns();
    if (written) {
        exchange(t);
    } else {
        t->x = (struct s3p_exchange){.t_return = S3P_NEVER,
                                     .why = "request: a value that no header can carry"};
    }
    c->paused = true;
    atomic_store_explicit(&w->in_flight,
                          atomic_load_explicit(&w->in_flight, memory_order_relaxed) - 1,
                          memory_order_relaxed);
    r->phase = (uint8_t)t->x.phase;
    r->wire = (uint8_t)t->x.wire;
    r->t_sent = t->x.t_sent;
    r->t_first = t->x.t_first;
    r->t_return = t->x.t_return;
    r->bytes_in = t->x.body_received;
    r->conn = t->x.conn_serial;
    r->cond = (uint8_t)t->req.cond;
    r->flags |= t->x.surplus ? S3P_FLAG_SURPLUS : 0;
    if (t->x.phase >= S3P_PHASE_SENT)
        s3p_bump(&w->bytes_out, c->head.len + t->x.body_len);
    s3p_bump(&w->bytes_in, t->x.body_received);
    read_answer(t);
    s3p_attempt_judge(t);
}

/* ---- recording ---- */

/* Latency counts from the intended start, and includes attempts that got no answer, up to when they
 * were given up. */
static void count_end(struct s3p_try *t)
{
    struct s3p_worker *w = t->c->w;
    struct s3p_op_stat *op = w->op[t->step->op];
    const struct s3p_attempt *r = &t->rec;
    s3p_bump(&w->by_outcome[t->outcome], 1);
    op->attempts++;
    op->by_outcome[t->outcome]++;
    op->by_status[r->status < S3P_STATUS_MAX ? r->status : 0]++;
    t->c->stat->attempts++;
    t->c->stat->by_outcome[t->outcome]++;
    if (w->e->commits != NULL && t->outcome == S3P_OK_OUTCOME && t->step->op == S3P_OP_PUT &&
        t->req.cond != S3P_COND_NONE)
        w->e->commits[t->c->index]++;
    if (op->latency == NULL || r->run_phase != S3P_MAIN || r->phase == S3P_PHASE_NOT_SENT ||
        r->wire == S3P_WIRE_CANCELLED)
        return;
    int64_t end = r->t_return != S3P_NEVER ? r->t_return : s3p_now_ns();
    s3p_hist_record(op->latency, end - (r->t_sched != 0 ? r->t_sched : r->t_call));
}

/* Why the setup failed, should all of it fail. */
static void note_setup(struct s3p_try *t)
{
    char *why = t->c->w->setup_why;
    if (t->rec.run_phase != S3P_SETUP || t->outcome != S3P_FAILED || why[0] != 0)
        return;
    const char *op = s3p_op_table[t->step->op].name;
    int n = t->code.len < 64 ? (int)t->code.len : 64;
    if (t->rec.status == 0)
        snprintf(why, sizeof t->c->w->setup_why, "%s: no answer (%s)", op, t->x.why);
    else
        snprintf(why, sizeof t->c->w->setup_why, "%s: %d %.*s", op, t->rec.status, n,
                 n != 0 ? t->code.p : "");
}

static struct s3p_str cut(struct s3p_str s)
{
    return (struct s3p_str){s.p, s.len < TEXT_MAX ? s.len : TEXT_MAX};
}

static struct s3p_str checksum_text(const struct s3p_answer *a, char out[CHECKSUM_TEXT_MAX])
{
    size_t name = a->checksum_name.len, value = a->checksum.len;
    if (name == 0 || name + 1 + value > CHECKSUM_TEXT_MAX)
        return (struct s3p_str){NULL, 0};
    memcpy(out, a->checksum_name.p, name);
    out[name] = '=';
    memcpy(out + name + 1, a->checksum.p, value);
    return (struct s3p_str){out, name + 1 + value};
}

static void set_expected(struct s3p_try *t, struct s3p_str *text)
{
    struct s3p_attempt *r = &t->rec;
    if (t->req.cond != S3P_COND_IF_MATCH && t->req.cond != S3P_COND_IF_NONE_MATCH)
        return;
    struct s3p_etag etag = s3p_etag_parse(t->req.cond_value.p, t->req.cond_value.len);
    memcpy(r->expect_etag.b, etag.b, sizeof etag.b);
    r->expect_form = etag.form;
    if (etag.form == S3P_ETAG_HASHED)
        *text = t->req.cond_value;
}

void s3p_attempt_record(struct s3p_try *t, void (*put_entries)(struct s3p_try *t, void *arg),
                        void *arg)
{
    struct s3p_appender *a = t->c->w->appender;
    struct s3p_attempt *r = &t->rec;
    char checksum[CHECKSUM_TEXT_MAX];
    count_end(t);
    note_setup(t);
    if (a == NULL)
        return;
    struct s3p_str why = {t->x.why, strlen(t->x.why)}, none = {NULL, 0}, expected = none;
    set_expected(t, &expected);
    struct {
        struct s3p_str text;
        uint32_t *at;
    } texts[] = {
        {cut(t->answer.request_id), &r->request_id},
        {cut(t->answer.version_id), &r->version_id},
        {r->etag_form == S3P_ETAG_HASHED ? cut(t->answer.etag) : none, &r->etag_text},
        {expected, &r->expect_text},
        {cut(t->code.len != 0 ? t->code : why), &r->code_text},
        {checksum_text(&t->answer, checksum), &r->checksum},
        {t->list_args, &r->list_args},
        {t->list_next, &r->list_next},
        {cut(t->req.version_id), &r->version_asked},
        {cut(t->upload_id), &r->upload_id},
        {t->source_text, &r->source_key},
    };
    size_t ntexts = sizeof texts / sizeof texts[0], bytes = 0;
    for (size_t i = 0; i < ntexts; i++)
        bytes += texts[i].text.len;
    s3p_append_begin(a, bytes + t->entry_text_bytes, t->nentries);
    for (size_t i = 0; i < ntexts; i++)
        *texts[i].at = s3p_append_text(a, texts[i].text.p, texts[i].text.len);
    if (put_entries != NULL)
        put_entries(t, arg);
    t->position = s3p_append(a, r);
}

/* ---- where the program goes on ---- */

/* An unknown mutation inside `repeat until` that the program handles itself stays the same
 * operation when it is tried again. */
static void note_ambiguous(struct s3p_try *t, int pc)
{
    struct s3p_client *c = t->c;
    if (t->outcome == S3P_UNKNOWN && t->step->retried) {
        if (c->ambiguous_step != pc)
            c->ambiguous_attempt = t->rec.attempt;
        c->ambiguous_step = pc;
        c->ambiguous_seq = t->rec.op_seq;
    } else if (c->ambiguous_step == pc) {
        c->ambiguous_step = -1;
    }
}

/* A store that is gone must not hold a program that only ends by itself: a client that has had no
 * answer for two deadlines since the first attempt without one leaves the phase. Attempts that
 * cannot connect fail at once, so it pauses between them. Groups under a stop rule end by that. */
static void watch_silence(struct s3p_try *t)
{
    struct s3p_client *c = t->c;
    bool bounded = c->g->arrival == S3P_UNTIL_STOP || c->g->arrival == S3P_OPEN;
    int64_t now = s3p_loop_now(c->w->loop);
    if (t->x.phase == S3P_PHASE_ANSWERED || t->x.wire == S3P_WIRE_NONE || bounded) {
        c->silent_ns = 0;
        return;
    }
    c->silent_ns = c->silent_ns == 0 ? now : c->silent_ns;
    c->gone = now - c->silent_ns >= PATIENCE_DEADLINES * c->w->e->plan->deadline_ns;
    if (t->x.phase == S3P_PHASE_NOT_SENT)
        (void)s3p_client_pause(c, now + UNREACHED_PAUSE_NS);
}

int s3p_attempt_next(struct s3p_try *t, int pc)
{
    struct s3p_client *c = t->c;
    size_t n = t->code.len < sizeof c->last_code - 1 ? t->code.len : sizeof c->last_code - 1;
    c->has_last = true;
    c->last_op = t->step->op;
    c->last = t->outcome;
    c->last_status = t->rec.status;
    memcpy(c->last_code, n == 0 ? "" : t->code.p, n);
    c->last_code[n] = 0;
    note_ambiguous(t, pc);
    watch_silence(t);
    if (t->outcome == S3P_UNKNOWN && t->step->unknown_exit != 0) {
        c->stat->unknown++;
        c->ambiguous_step = -1;
        return t->step->unknown_exit;
    }
    return pc + 1;
}

/* ---- object sizes ---- */

static struct s3p_size_known *size_entry(const struct s3p_worker *w, struct s3p_keyref key)
{
    uint64_t h = s3p_mix64(key.index * UINT64_C(0x9e3779b97f4a7c15) + key.space);
    return &w->sizes[h % S3P_SIZES_KNOWN];
}

uint64_t s3p_size_known(const struct s3p_worker *w, struct s3p_keyref key)
{
    if (w->sizes == NULL)
        return 0;
    const struct s3p_size_known *s = size_entry(w, key);
    return s->key.index == key.index && s->key.space == key.space ? s->size : 0;
}

void s3p_size_learn(struct s3p_worker *w, struct s3p_keyref key, uint64_t size)
{
    if (w->sizes != NULL)
        *size_entry(w, key) = (struct s3p_size_known){key, size};
}
