#include "history/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crc.h"
#include "history/appender.h"
#include "history/format.h"
#include "s3/op.h"

#define SEGMENTS_PER_WORKER 4 /* one filled, one written, two to ride out a slow disk */
#define WORKERS_MAX 1024

struct s3p_history {
    /* immutable after create */
    int fd;
    int workers;
    struct s3p_appender *appenders;
    struct s3p_keynames *keynames;
    pthread_t thread;

    /* writer thread only; read after it was joined */
    uint8_t *columns;
    uint64_t records, segments, dropped;
    struct s3p_err error; /* the first one; nothing is written after it */

    /* guarded by mu */
    pthread_mutex_t mu;
    pthread_cond_t work, room;
    struct s3p_segment *first, *last; /* sealed, oldest first */
    bool closing;
};

static void hand_over(struct s3p_history *h, struct s3p_segment *s)
{
    s->next = NULL;
    if (h->last != NULL)
        h->last->next = s;
    else
        h->first = s;
    h->last = s;
    pthread_cond_signal(&h->work);
}

/* Gives the full segment to the writer thread and goes on with an empty one, waiting when the disk
 * is slower than the run. Texts and entries put since the last record go along: they are those of
 * the coming record. */
static void seal(struct s3p_appender *a)
{
    struct s3p_history *h = a->history;
    struct s3p_segment *full = a->open;
    pthread_mutex_lock(&h->mu);
    if (a->empty == NULL) {
        int64_t start_ns = s3p_now_ns();
        while (a->empty == NULL)
            pthread_cond_wait(&h->room, &h->mu);
        atomic_fetch_add_explicit(&a->stall_ns, s3p_now_ns() - start_ns, memory_order_relaxed);
    }
    a->open = a->empty;
    a->empty = a->open->next;
    uint32_t carried = full->text_bytes - a->text_begin;
    memcpy(a->open->text + S3P_TEXT_FIRST, full->text + a->text_begin, carried);
    a->open->text_bytes += carried;
    full->text_bytes = a->text_begin;
    uint32_t pages = full->nentries - a->entry_begin;
    memcpy(a->open->entries, full->entries + a->entry_begin, pages * sizeof(struct s3p_entry));
    a->open->nentries = pages;
    full->nentries = a->entry_begin;
    a->text_begin = S3P_TEXT_FIRST;
    a->entry_begin = 0;
    hand_over(h, full);
    pthread_mutex_unlock(&h->mu);
    a->in_batch = false;
}

static void mark(struct s3p_appender *a)
{
    a->text_begin = a->open->text_bytes;
    a->entry_begin = a->open->nentries;
}

/* Moves the record's offset of a text that was put behind `moved` + the arena's first byte. */
static void move_text(struct s3p_attempt *r, int column, uint32_t moved)
{
    uint32_t offset;
    uint8_t *at = (uint8_t *)r + s3p_column_table[column].offset;
    memcpy(&offset, at, sizeof offset);
    offset -= offset > moved ? moved : offset;
    memcpy(at, &offset, sizeof offset);
}

/* Begins a fresh segment for a record whose texts and entries were already put. That happens when
 * begin was not called, and to a batch right behind another one, which begin took for a child,
 * making no room. */
static void seal_before(struct s3p_appender *a, struct s3p_attempt *r)
{
    uint32_t moved_text = a->text_begin - S3P_TEXT_FIRST, moved_entries = a->entry_begin;
    seal(a);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        if (s3p_column_sense_table[c].as == S3P_AS_TEXT)
            move_text(r, c, moved_text);
    r->entries_first -= r->entries_first > moved_entries ? moved_entries : r->entries_first;
    for (uint32_t i = 0; i < a->open->nentries; i++) {
        struct s3p_entry *e = &a->open->entries[i];
        e->key_text -= e->key_text > moved_text ? moved_text : e->key_text;
        e->version_id -= e->version_id > moved_text ? moved_text : e->version_id;
    }
}

void s3p_append_begin(struct s3p_appender *a, size_t text_bytes, size_t entries)
{
    const struct s3p_segment *s = a->open;
    uint32_t records = a->in_batch ? 1 : 1 + S3P_BATCH_RECORDS;
    size_t texts = text_bytes + S3P_TEXT_PREFIX * (S3P_RECORD_TEXTS + 2 * entries);
    if (!a->in_batch)
        texts += S3P_BATCH_TEXT_BYTES;
    if (s->records > 0 && (s->records + records > S3P_SEGMENT_RECORDS ||
                           s->text_bytes + texts > S3P_SEGMENT_TEXT_BYTES ||
                           s->nentries + entries > S3P_SEGMENT_ENTRIES)) {
        seal(a);
    }
}

uint32_t s3p_append_text(struct s3p_appender *a, const char *p, size_t len)
{
    struct s3p_segment *s = a->open;
    uint32_t n = len < S3P_TEXT_MAX ? (uint32_t)len : S3P_TEXT_MAX;
    if (n == 0 || S3P_TEXT_PREFIX + n > S3P_SEGMENT_TEXT_BYTES - s->text_bytes)
        return 0;
    uint32_t offset = s->text_bytes;
    memcpy(s->text + offset, &n, sizeof n);
    memcpy(s->text + offset + S3P_TEXT_PREFIX, p, n);
    s->text_bytes += S3P_TEXT_PREFIX + n;
    return offset;
}

uint32_t s3p_append_entry(struct s3p_appender *a, const struct s3p_entry *e)
{
    struct s3p_segment *s = a->open;
    S3P_ASSERT(s->nentries < S3P_SEGMENT_ENTRIES);
    if (s->nentries == S3P_SEGMENT_ENTRIES)
        return s->nentries;
    s->entries[s->nentries] = *e;
    return s->nentries++;
}

static bool batch_fits(const struct s3p_segment *s)
{
    return s->records + 1 + S3P_BATCH_RECORDS <= S3P_SEGMENT_RECORDS &&
           s->text_bytes + S3P_BATCH_TEXT_BYTES <= S3P_SEGMENT_TEXT_BYTES;
}

uint32_t s3p_append(struct s3p_appender *a, const struct s3p_attempt *r)
{
    bool batch = r->op == S3P_OP_DELETE_OBJECTS;
    struct s3p_attempt copy;
    if (a->open->records == S3P_SEGMENT_RECORDS || (batch && a->in_batch && !batch_fits(a->open))) {
        copy = *r;
        seal_before(a, &copy);
        r = &copy;
    }
    struct s3p_segment *s = a->open;
    uint32_t position = s->records++;
    s->rows[position] = *r;
    if (r->parent > position) /* a batch beyond its bound was cut by a seal: rather no parent than a
                                 wrong one */
        s->rows[position].parent = 0;
    else if (r->parent != 0 && r->request_id == 0) /* a child came with its request */
        s->rows[position].request_id = s->rows[r->parent - 1].request_id;
    a->in_batch = batch || (a->in_batch && r->op == S3P_OP_DELETE_CHILD);
    mark(a);
    return position;
}

struct s3p_keynames *s3p_appender_keynames(const struct s3p_appender *a)
{
    return a->history->keynames;
}

/* Writes one segment, or drops it when an error came before. No lock is held. */
static void take(struct s3p_history *h, struct s3p_segment *s)
{
    if (h->error.code == 0 && s3p_segment_write(s, h->fd, h->columns, &h->error) == 0) {
        h->records += s->records;
        h->segments++;
    } else {
        h->dropped += s->records;
    }
}

static void *writer_main(void *arg)
{
    struct s3p_history *h = arg;
    pthread_mutex_lock(&h->mu);
    for (;;) {
        struct s3p_segment *s = h->first;
        if (s == NULL) {
            if (h->closing)
                break;
            pthread_cond_wait(&h->work, &h->mu);
            continue;
        }
        h->first = s->next;
        if (h->first == NULL)
            h->last = NULL;
        pthread_mutex_unlock(&h->mu);
        take(h, s);
        s3p_segment_reset(s);
        pthread_mutex_lock(&h->mu);
        s->next = s->owner->empty;
        s->owner->empty = s;
        pthread_cond_broadcast(&h->room);
    }
    pthread_mutex_unlock(&h->mu);
    return NULL;
}

static int write_header(struct s3p_history *h, const char *json, size_t len, struct s3p_err *err)
{
    static const char blanks[] = "                                                                ";
    struct s3p_file_header head = {.magic = S3P_HEADER_MAGIC,
                                   .version = S3P_HISTORY_VERSION,
                                   .json_bytes = (uint32_t)len,
                                   .json_crc = s3p_crc32c(0, json, len)};
    size_t used = sizeof head + len;
    S3P_TRY(s3p_write_all(h->fd, &head, sizeof head, "header", err));
    S3P_TRY(s3p_write_all(h->fd, json, len, "header", err));
    return s3p_write_all(h->fd, blanks, s3p_pad(used) - used, "header", err);
}

static int write_footer(struct s3p_history *h, bool complete, struct s3p_err *err)
{
    struct s3p_file_footer foot = {.magic = S3P_FOOTER_MAGIC,
                                   .version = S3P_HISTORY_VERSION,
                                   .complete = complete,
                                   .records = h->records,
                                   .segments = h->segments,
                                   .dropped = h->dropped};
    foot.crc = s3p_crc32c(0, &foot, offsetof(struct s3p_file_footer, crc));
    S3P_TRY(s3p_write_all(h->fd, &foot, sizeof foot, "footer", err));
    if (fsync(h->fd) < 0 && errno != EINVAL &&
        errno != EROFS) /* those: not a file that can be synced */
        return s3p_fail(err, S3P_EIO, errno, "history: fsync: %s", strerror(errno));
    return 0;
}

/* Frees everything but the running thread; copes with a half-built history. */
static void release(struct s3p_history *h)
{
    for (int i = 0; h->appenders != NULL && i < h->workers; i++) {
        struct s3p_appender *a = &h->appenders[i];
        s3p_segment_free(a->open);
        while (a->empty != NULL) {
            struct s3p_segment *s = a->empty;
            a->empty = s->next;
            s3p_segment_free(s);
        }
    }
    s3p_free(h->appenders);
    s3p_free(h->columns);
    s3p_keynames_free(h->keynames);
    if (h->fd >= 0)
        close(h->fd);
    pthread_cond_destroy(&h->work);
    pthread_cond_destroy(&h->room);
    pthread_mutex_destroy(&h->mu);
    s3p_free(h);
}

static int build_pool(struct s3p_history *h, struct s3p_err *err)
{
    size_t bytes = (size_t)h->workers * sizeof *h->appenders;
    h->appenders = s3p_alloc_aligned(S3P_FILE_ALIGN, bytes);
    h->columns = s3p_alloc_aligned(S3P_FILE_ALIGN, s3p_segment_columns_max());
    if (h->appenders != NULL)
        memset(h->appenders, 0, bytes);
    if (h->appenders == NULL || h->columns == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory for %d workers", h->workers);
    for (int i = 0; i < h->workers; i++) {
        struct s3p_appender *a = &h->appenders[i];
        a->history = h;
        for (int k = 0; k < SEGMENTS_PER_WORKER; k++) {
            struct s3p_segment *s = s3p_segment_create(a, (uint32_t)i);
            if (s == NULL)
                return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory for %d workers",
                                h->workers);
            s->next = a->empty;
            a->empty = s;
        }
        a->open = a->empty;
        a->empty = a->open->next;
        mark(a);
    }
    return 0;
}

/* All signals stay with the threads of the embedding program. */
static int start_thread(struct s3p_history *h, struct s3p_err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int sys = pthread_create(&h->thread, NULL, writer_main, h);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return sys == 0 ? 0 : s3p_fail(err, S3P_EIO, sys, "history: writer thread: %s", strerror(sys));
}

static int check_arguments(const char *json, size_t len, int workers, struct s3p_err *err)
{
    if (workers < 1 || workers > WORKERS_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "history: workers: %d, expected 1 to %d", workers,
                        WORKERS_MAX);
    if (len > S3P_HEADER_JSON_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "history: header: %zu bytes, at most %u are possible",
                        len, S3P_HEADER_JSON_MAX);
    json_error_t why;
    json_t *object = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    bool ok = json_is_object(object);
    json_decref(object);
    return ok ? 0 : s3p_fail(err, S3P_EINVAL, 0, "history: header: not a JSON object");
}

int s3p_history_create(struct s3p_history **out, const char *path, const char *header_json,
                       size_t len, int workers, struct s3p_err *err)
{
    *out = NULL;
    S3P_TRY(check_arguments(header_json, len, workers, err));
    struct s3p_history *h = s3p_calloc(1, sizeof *h);
    if (h == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory");
    h->workers = workers;
    h->fd = -1;
    pthread_mutex_init(&h->mu, NULL);
    pthread_cond_init(&h->work, NULL);
    pthread_cond_init(&h->room, NULL);
    int rc = s3p_keynames_create(&h->keynames, (struct s3p_str){header_json, len}, err);
    if (rc == 0)
        rc = build_pool(h, err);
    if (rc == 0) {
        h->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (h->fd < 0)
            rc = s3p_fail(err, S3P_EIO, errno, "history: %s: %s", path, strerror(errno));
    }
    if (rc == 0) {
        rc = write_header(h, header_json, len, err);
        if (rc == 0)
            rc = start_thread(h, err);
        if (rc != 0)
            unlink(path); /* O_EXCL: it is ours */
    }
    if (rc != 0) {
        release(h);
        return rc;
    }
    *out = h;
    return 0;
}

struct s3p_appender *s3p_history_appender(struct s3p_history *h, int worker)
{
    return worker >= 0 && worker < h->workers ? &h->appenders[worker] : NULL;
}

int s3p_history_close(struct s3p_history *h, bool complete, struct s3p_err *err)
{
    if (h == NULL)
        return 0;
    pthread_mutex_lock(&h->mu);
    for (int i = 0; i < h->workers; i++) {
        struct s3p_appender *a = &h->appenders[i];
        if (a->open->records > 0) {
            hand_over(h, a->open);
            a->open = NULL;
        }
    }
    h->closing = true;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->mu);
    pthread_join(h->thread, NULL);
    int rc = h->error.code;
    if (rc != 0)
        rc = s3p_fail(err, rc, h->error.sys, "%s (%llu records lost)", h->error.msg,
                      (unsigned long long)h->dropped);
    else
        rc = write_footer(h, complete, err);
    release(h);
    return rc;
}

int64_t s3p_history_stall_ns(const struct s3p_history *h)
{
    int64_t sum = 0;
    for (int i = 0; i < h->workers; i++)
        sum += atomic_load_explicit(&h->appenders[i].stall_ns, memory_order_relaxed);
    return sum;
}

size_t s3p_history_bytes_per_worker(void)
{
    return SEGMENTS_PER_WORKER * s3p_segment_memory();
}
