#include "s3/body.h"

#include "core/text.h"
#include "s3/cell.h"

#define UNKNOWN UINT64_MAX
#define COUNTER_START "{\"id\":\""
#define COUNTER_ID 7      /* offset of the id in a JSON body */
#define COUNTER_DIGITS 51 /* and of the counter */
#define COUNTER_MIN 73    /* length with a counter of one digit */
#define NAMES_WRITE 24    /* so many bytes from the start of a cell hold id and offset */

/* Bytes [from, to) of a cell; `p` points to byte `from`. `at`: its offset in the object, `offset`:
 * in its write. */
struct part {
    uint64_t at, offset;
    size_t from, to;
    const uint8_t *p;
};

static uint64_t get_le(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return le64toh(v);
}

static uint64_t cell_of(uint64_t offset)
{
    return offset - offset % S3P_CELL;
}

static void find(struct s3p_verify *v, enum s3p_body_verdict verdict, uint64_t offset)
{
    static const int rank[] = {
        [S3P_BODY_OPAQUE] = 0, [S3P_BODY_CLEAN] = 1,   [S3P_BODY_PARTS] = 2,
        [S3P_BODY_SHORT] = 3,  [S3P_BODY_LONG] = 4,    [S3P_BODY_FOREIGN] = 5,
        [S3P_BODY_TORN] = 6,   [S3P_BODY_CORRUPT] = 7,
    };
    if (rank[verdict] <= rank[v->verdict])
        return;
    v->verdict = verdict;
    if (verdict == S3P_BODY_TORN || verdict == S3P_BODY_CORRUPT)
        v->bad_offset = offset;
}

static void find_id(struct s3p_verify *v, struct s3p_id id, uint64_t offset)
{
    if (s3p_id_none(v->id)) {
        v->id = id;
        s3p_composite_add(&v->pieces, id);
    }
    if (s3p_id_eq(v->id, id)) {
        find(v, S3P_BODY_CLEAN, offset);
        return;
    }
    if (s3p_id_none(v->id2))
        v->id2 = id;
    find(v, S3P_BODY_TORN, offset);
}

void s3p_verify_start(struct s3p_verify *v, uint64_t key_hash, bool whole, uint64_t range_start,
                      uint64_t expect_len, uint64_t total_len, struct s3p_id meta_id)
{
    *v = (struct s3p_verify){
        .key_hash = key_hash,
        .range_start = range_start,
        .expect_len = expect_len,
        .total_len = total_len,
        .meta_id = meta_id,
        .whole = whole,
        .write_len = UNKNOWN,
        .beyond = UNKNOWN,
        .verdict = S3P_BODY_OPAQUE,
        .counter = INT64_MIN,
    };
}

/* The object's length as the answer tells it. */
static uint64_t told_len(const struct s3p_verify *v)
{
    if (v->total_len != UNKNOWN || !v->whole)
        return v->total_len;
    return v->expect_len != UNKNOWN ? v->expect_len : v->pos;
}

/* The same of the write at hand: a piece in the middle says so itself. */
static uint64_t told_write_len(const struct s3p_verify *v)
{
    return v->base == 0 ? told_len(v) : UNKNOWN;
}

/* What cell 0 says of itself as far as the part holds it, else what is known from elsewhere. False
 * when the part cannot be judged without a length that nobody told. */
static bool cell_0_fields(const struct s3p_verify *v, const struct part *c, uint64_t *len,
                          uint64_t *key_hash)
{
    *len = c->from == 0 && c->to >= 36 ? get_le(c->p + 28) : told_write_len(v);
    *key_hash = c->from == 0 && c->to >= 44 ? get_le(c->p + 36) : v->key_hash;
    bool needs_len = c->from < 36 && c->to > 24;
    return !needs_len || *len != UNKNOWN;
}

static bool part_is_of(const struct part *c, struct s3p_id id, uint64_t len, uint64_t key_hash)
{
    struct s3p_cell_source s;
    uint8_t cell[S3P_CELL];
    s3p_cell_source_init(&s, id);
    s3p_cell_make(&s, c->offset, len, key_hash, cell);
    return memcmp(cell + c->from, c->p, c->to - c->from) == 0;
}

/* Whose cell the part claims to be, or must be. */
static struct s3p_id part_id(const struct s3p_verify *v, const struct part *c)
{
    struct s3p_id own;
    if (c->from == 0 && c->to >= sizeof own.b) {
        memcpy(own.b, c->p, sizeof own.b);
        bool names_write = c->to >= NAMES_WRITE && get_le(c->p + 16) == c->offset;
        if (names_write || s3p_id_none(v->id))
            return own;
    }
    return s3p_id_none(v->id) ? v->meta_id : v->id;
}

static void judge_part(struct s3p_verify *v, struct part c)
{
    uint64_t len = 0, key_hash = 0;
    /* what lies behind the end is `long`, not corrupt */
    if (v->write_len != UNKNOWN && c.offset + c.to > v->write_len)
        c.to = v->write_len > c.offset ? (size_t)(v->write_len - c.offset) : 0;
    if (c.to <= c.from || (c.offset == 0 && !cell_0_fields(v, &c, &len, &key_hash)))
        return;
    struct s3p_id id = part_id(v, &c);
    if (s3p_id_none(id)) { /* no id, or sixteen zeros where one should be */
        if (c.from == 0 && c.to >= sizeof id.b)
            find(v, S3P_BODY_CORRUPT, c.at);
        return;
    }
    /* what cannot name its write may be the other one's of a torn body, or the metadata's */
    const struct s3p_id candidates[] = {id, v->id2, v->meta_id};
    size_t i = 0;
    while (i < 3 && (s3p_id_none(candidates[i]) || !part_is_of(&c, candidates[i], len, key_hash)))
        i++;
    if (i == 3) {
        find(v, S3P_BODY_CORRUPT, c.at);
        return;
    }
    find_id(v, candidates[i], c.at);
    if (c.offset == 0 && c.from == 0 && c.to >= 36)
        v->write_len = len;
    if (c.offset == 0 && key_hash != v->key_hash)
        find(v, S3P_BODY_FOREIGN, 0);
}

/* A right cell that stands where no cell of the piece at hand would: another piece begins. */
static bool begin_piece(struct s3p_verify *v, uint64_t at, const uint8_t *p)
{
    struct part c = {.at = at, .offset = get_le(p + 16), .to = S3P_CELL, .p = p};
    struct s3p_id own;
    memcpy(own.b, p, sizeof own.b);
    bool right = c.offset % S3P_CELL == 0 && c.offset != at - v->base && !s3p_id_none(own) &&
                 part_is_of(&c, own, get_le(p + 28), get_le(p + 36));
    if (!right)
        return false;
    if (v->pieces.n == 1) {
        v->first_base = v->base;
        v->first_len = v->write_len;
    }
    v->base = at - c.offset;
    v->id = own;
    v->write_len = c.offset == 0 ? get_le(p + 28) : UNKNOWN;
    s3p_composite_add(&v->pieces, own);
    find(v, S3P_BODY_PARTS, at);
    if (c.offset == 0 && get_le(p + 36) != v->key_hash)
        find(v, S3P_BODY_FOREIGN, 0);
    return true;
}

static void judge_cell(struct s3p_verify *v, uint64_t at, const uint8_t *p)
{
    struct part c = {.at = at, .offset = at - v->base, .from = 0, .to = S3P_CELL, .p = p};
    struct s3p_id own;
    memcpy(own.b, p, sizeof own.b);
    if (begin_piece(v, at, p))
        return;
    /* behind the end of the write: another write's cell proves a torn body, the rest only length */
    if (v->write_len != UNKNOWN && c.offset + S3P_CELL > v->write_len && c.offset != 0 &&
        part_is_of(&c, own, 0, 0))
        find_id(v, own, at);
    else if (v->write_len != UNKNOWN && c.offset >= v->write_len)
        v->beyond = v->beyond == UNKNOWN ? at : v->beyond; /* only length, but for pieces */
    else
        judge_part(v, c);
}

/* How many of `n` bytes at `here` of a write lie in whole cells of it that are not the first. */
static size_t inside(const struct s3p_verify *v, uint64_t here, size_t n)
{
    uint64_t cells = v->write_len - v->write_len % S3P_CELL;
    if (s3p_id_none(v->id) || here == 0 || here >= cells)
        return 0;
    return cells - here < n ? (size_t)(cells - here) : n;
}

/* `n` bytes of whole cells, the hot path. */
static void judge_cells(struct s3p_verify *v, uint64_t offset, const uint8_t *p, size_t n)
{
    struct s3p_cell_source s;
    struct s3p_id of = v->id;
    s3p_cell_source_init(&s, of);
    for (const uint8_t *start = p, *end = p + n; p < end; p += S3P_CELL) {
        uint64_t here = offset + (uint64_t)(p - start) - v->base;
        if (!s3p_id_eq(of, v->id)) {
            of = v->id;
            s3p_cell_source_init(&s, of);
        }
        const uint8_t *stop = p + inside(v, here, (size_t)(end - p));
        for (; p < stop && s3p_cell_is(&s, here, p); p += S3P_CELL)
            here += S3P_CELL;
        if (p < end)
            judge_cell(v, offset + (uint64_t)(p - start), p);
    }
}

static bool is_counter(const struct s3p_verify *v)
{
    return v->range_start == 0 && v->pos >= COUNTER_ID &&
           memcmp(v->small, COUNTER_START, COUNTER_ID) == 0;
}

static void keep_start(struct s3p_verify *v, const uint8_t *p, size_t len)
{
    if (len == 0 || v->pos >= sizeof v->small)
        return;
    size_t room = sizeof v->small - (size_t)v->pos;
    memcpy(v->small + v->pos, p, len < room ? len : room);
}

void s3p_verify_add(struct s3p_verify *v, const uint8_t *p, size_t len)
{
    keep_start(v, p, len);
    while (len > 0) {
        uint64_t offset = v->range_start + v->pos;
        size_t skip = (size_t)(offset % S3P_CELL), n;
        if (skip == 0 && len >= S3P_CELL) {
            n = len - len % S3P_CELL;
            v->pos += n;
            if (!is_counter(v))
                judge_cells(v, offset, p, n);
        } else {
            n = S3P_CELL - skip < len ? S3P_CELL - skip : len;
            memcpy(v->cell + skip, p, n);
            v->pos += n;
            bool from_start = cell_of(offset) >= v->range_start;
            if (skip + n == S3P_CELL && from_start && !is_counter(v))
                judge_cells(v, cell_of(offset), v->cell, S3P_CELL);
        }
        p += n;
        len -= n;
    }
}

/* A JSON body is right when it is what its id and counter generate. */
static void judge_counter(struct s3p_verify *v)
{
    size_t n = v->pos < sizeof v->small ? (size_t)v->pos : sizeof v->small;
    bool partial = !v->whole && (v->total_len == UNKNOWN || v->pos < v->total_len);
    if (n < COUNTER_MIN) {
        find(v, partial ? S3P_BODY_OPAQUE : S3P_BODY_SHORT, 0);
        return;
    }
    struct s3p_id id;
    uint64_t magnitude;
    bool minus = v->small[COUNTER_DIGITS] == '-';
    size_t first = COUNTER_DIGITS + minus, end = first;
    while (end < n && v->small[end] >= '0' && v->small[end] <= '9')
        end++;
    if (!s3p_id_parse(&id, v->small + COUNTER_ID, 32) ||
        !s3p_parse_u64(v->small + first, end - first, &magnitude)) {
        find(v, S3P_BODY_CORRUPT, 0);
        return;
    }
    char right[S3P_COUNTER_BODY_MAX];
    int64_t counter = (int64_t)(minus ? -magnitude : magnitude);
    size_t len = s3p_counter_body(right, id, counter);
    if (memcmp(right, v->small, n < len ? n : len) != 0) {
        find(v, S3P_BODY_CORRUPT, 0);
        return;
    }
    if (n < len) {
        find(v, partial ? S3P_BODY_OPAQUE : S3P_BODY_SHORT, 0);
        return;
    }
    v->counter = counter;
    v->write_len = len;
    find_id(v, id, 0);
}

/* The cell that the range begins inside belongs to the first piece, or to one before it that
 * nothing else of the range shows. */
static void judge_head(struct s3p_verify *v, size_t from)
{
    uint64_t at = cell_of(v->range_start);
    struct s3p_verify first = *v;
    if (v->pieces.n > 1) {
        first.id = v->pieces.first;
        first.base = v->first_base;
        first.write_len = v->first_len;
    }
    if (first.base == at + S3P_CELL)
        return;
    judge_part(&first, (struct part){.at = at,
                                     .offset = at - first.base,
                                     .from = from,
                                     .to = S3P_CELL,
                                     .p = (const uint8_t *)v->small});
    if (v->pieces.n > 1) {
        first.id = v->id;
        first.base = v->base;
        first.write_len = v->write_len;
    }
    *v = first;
}

static void judge_ends(struct s3p_verify *v)
{
    uint64_t start = v->range_start, end = start + v->pos;
    size_t head = (size_t)(start % S3P_CELL), tail = (size_t)(end % S3P_CELL);
    bool one_cell = cell_of(end) < start;
    if (tail != 0) {
        size_t from = one_cell ? head : 0;
        judge_part(v, (struct part){.at = cell_of(end),
                                    .offset = cell_of(end) - v->base,
                                    .from = from,
                                    .to = tail,
                                    .p = v->cell + from});
    }
    if (head != 0 && !one_cell)
        judge_head(v, head);
}

static void judge_lengths(struct s3p_verify *v)
{
    uint64_t seen = v->whole ? v->pos : v->total_len, end = v->range_start + v->pos;
    if (v->expect_len != UNKNOWN && v->pos != v->expect_len)
        find(v, v->pos < v->expect_len ? S3P_BODY_SHORT : S3P_BODY_LONG, 0);
    if (v->write_len == UNKNOWN || v->pieces.n > 1 || v->base != 0)
        return;
    if (!v->whole && end <= v->write_len && seen != UNKNOWN && seen > v->write_len)
        find(v, S3P_BODY_PARTS, 0); /* of something longer */
    else if (end > v->write_len || (seen != UNKNOWN && seen > v->write_len))
        find(v, S3P_BODY_LONG, 0);
    else if (seen < v->write_len)
        find(v, S3P_BODY_SHORT, 0);
}

/* Whether a range that no cell explains may be a piece of a JSON body. */
static bool maybe_counter_range(const struct s3p_verify *v)
{
    if (v->whole || v->range_start + v->pos > sizeof v->small)
        return false;
    for (size_t i = 0; i < v->pos; i++)
        if (v->small[i] < 0x20 || v->small[i] > 0x7e)
            return false;
    return true;
}

enum s3p_body_verdict s3p_verify_end(struct s3p_verify *v)
{
    if (is_counter(v)) {
        judge_counter(v);
    } else if (v->pos == 0) {
        if (v->whole && !s3p_id_none(v->meta_id))
            find_id(v, v->meta_id, 0);
    } else {
        judge_ends(v);
        if (v->verdict == S3P_BODY_CORRUPT && maybe_counter_range(v)) {
            v->verdict = S3P_BODY_OPAQUE;
            v->bad_offset = 0;
        }
    }
    if (v->pieces.n > 1 && v->beyond != UNKNOWN)
        find(v, S3P_BODY_CORRUPT, v->beyond);
    judge_lengths(v);
    bool whole_pieces = v->verdict == S3P_BODY_PARTS || v->verdict == S3P_BODY_FOREIGN;
    if (v->pieces.n > 0)
        v->id = whole_pieces ? s3p_composite_id(&v->pieces) : v->pieces.first;
    return v->verdict;
}
