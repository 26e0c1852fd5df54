#include "server/intake.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#define MEMORY_MAX (4 * 1024 * 1024)

void s3p_srv_intake_init(struct s3p_srv_intake *in)
{
    memset(in, 0, sizeof *in);
    in->fd = -1;
    s3p_buf_init(&in->memory, MEMORY_MAX);
}

void s3p_srv_intake_reset(struct s3p_srv_intake *in, const struct s3p_srv_store *s)
{
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    if (in->staged)
        s3p_srv_body_unlink(s, in->body_id);
    in->staged = false;
    s3p_srv_sum_drop(&in->sum_state);
    s3p_srv_sum_drop(&in->given_state);
    in->sum_wanted = S3P_SRV_SUM_NONE;
    in->chunks.on = false;
    s3p_buf_clear(&in->memory);
}

void s3p_srv_intake_free(struct s3p_srv_intake *in, const struct s3p_srv_store *s)
{
    s3p_srv_intake_reset(in, s);
    s3p_buf_free(&in->memory);
}

static enum s3p_srv_error read_digests(struct s3p_srv_intake *in, const struct s3p_srv_head *h,
                                       const struct s3p_srv_auth *auth, enum s3p_srv_body_kind kind)
{
    struct s3p_str md5 = s3p_srv_head_get(h, "content-md5");
    in->md5_given = md5.p != NULL;
    if (in->md5_given &&
        s3p_unbase64(in->md5_header, S3P_MD5_BYTES, md5.p, md5.len) != S3P_MD5_BYTES)
        return S3P_SE_DIGEST_FORM;
    in->sum_given = S3P_SRV_SUM_NONE;
    in->announced = false;
    if (kind == S3P_SRV_BODY_ABOUT)
        return S3P_SE_NONE;
    enum s3p_srv_error e = s3p_srv_sum_parse(h, &in->sum_given, in->sum_header);
    enum s3p_srv_sum_kind trailer = s3p_srv_sum_announced(h);
    in->announced = trailer != S3P_SRV_SUM_NONE;
    bool comes = in->announced && auth->payload != S3P_SRV_PAYLOAD_SIGNED_CHUNKS;
    if (!comes && s3p_srv_head_get(h, "x-amz-trailer").p != NULL) /* it would not be verified */
        return S3P_SE_NOT_IMPLEMENTED;
    if (!in->announced || e != S3P_SE_NONE)
        return e;
    if (in->sum_given != S3P_SRV_SUM_NONE)
        return S3P_SE_SUM_FORM;
    in->sum_given = trailer;
    return S3P_SE_NONE;
}

/* S3 computes CRC64NVME for objects that come without a checksum. */
static bool begin_sums(struct s3p_srv_intake *in, bool object)
{
    enum s3p_srv_sum_kind kind = in->sum_given;
    if (object && in->sum_wanted != S3P_SRV_SUM_NONE)
        kind = in->sum_wanted;
    else if (object && (kind == S3P_SRV_SUM_NONE || in->announced)) /* it may not come */
        kind = S3P_SRV_SUM_CRC64NVME;
    in->two_sums = in->sum_given != S3P_SRV_SUM_NONE && in->sum_given != kind;
    return s3p_srv_sum_begin(&in->sum_state, kind) &&
           (!in->two_sums || s3p_srv_sum_begin(&in->given_state, in->sum_given));
}

/* For a body that is too long for the memory. */
static enum s3p_srv_error open_file(struct s3p_srv_intake *in, struct s3p_srv_store *s)
{
    if (in->declared <= in->memory_max)
        return S3P_SE_NONE;
    in->fd = s3p_srv_body_create(s, &in->body_id);
    if (in->fd < 0)
        return errno == ENOSPC || errno == EDQUOT || errno == EMFILE || errno == ENFILE
                   ? S3P_SE_BUSY
                   : S3P_SE_INTERNAL;
    in->staged = true;
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_intake_begin(struct s3p_srv_intake *in, struct s3p_srv_store *s,
                                        const struct s3p_srv_head *h,
                                        const struct s3p_srv_auth *auth, uint64_t declared,
                                        enum s3p_srv_body_kind kind)
{
    bool object = kind == S3P_SRV_BODY_OBJECT;
    enum s3p_srv_error e = read_digests(in, h, auth, kind);
    if (e != S3P_SE_NONE)
        return e;
    in->declared = declared;
    in->got = 0;
    in->failed = in->any_length = false;
    in->hash = auth->payload == S3P_SRV_PAYLOAD_HASHED;
    in->md5_wanted = object || in->md5_given;
    if (in->hash)
        s3p_sha256_init(&in->sha_state);
    if (in->md5_wanted)
        s3p_md5_init(&in->md5_state);
    if (!begin_sums(in, object))
        return S3P_SE_INTERNAL;
    return object ? open_file(in, s) : S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_intake_begin_copy(struct s3p_srv_intake *in, struct s3p_srv_store *s,
                                             uint64_t bytes)
{
    s3p_buf_clear(&in->memory);
    in->declared = bytes;
    in->got = 0;
    in->failed = in->any_length = in->hash = in->md5_given = false;
    in->md5_wanted = true;
    in->sum_given = S3P_SRV_SUM_NONE;
    in->announced = false;
    s3p_md5_init(&in->md5_state);
    return begin_sums(in, true) ? open_file(in, s) : S3P_SE_INTERNAL;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static void add_bytes(struct s3p_srv_intake *in, const void *p, size_t len)
{
    in->got += len;
    if (in->hash)
        s3p_sha256_add(&in->sha_state, p, len);
    if (in->md5_wanted)
        s3p_md5_add(&in->md5_state, p, len);
    s3p_srv_sum_add(&in->sum_state, p, len);
    if (in->two_sums)
        s3p_srv_sum_add(&in->given_state, p, len);
    if (in->fd >= 0)
        in->failed |= !write_all(in->fd, p, len);
    else
        s3p_buf_add(&in->memory, p, len);
}

static void add_decoded(void *cls, const char *p, size_t len)
{
    struct s3p_srv_intake *in = cls;
    if (len > in->declared - in->got && !in->any_length)
        in->chunks.error = S3P_SE_LENGTH_SHORT;
    else
        add_bytes(in, p, len);
}

void s3p_srv_intake_add(struct s3p_srv_intake *in, const void *p, size_t len)
{
    if (in->chunks.on)
        s3p_srv_chunks_add(&in->chunks, p, len, add_decoded, in);
    else
        add_bytes(in, p, len);
}

/* The end of the chunks: the announced checksum, if it came, takes the place of the one that S3
 * would compute; a part keeps that of its upload as well. */
static enum s3p_srv_error end_chunks(struct s3p_srv_intake *in)
{
    enum s3p_srv_error e = s3p_srv_chunks_end(&in->chunks);
    in->chunks.on = false;
    if (e != S3P_SE_NONE || !in->announced)
        return e;
    struct s3p_str value = {in->chunks.value, in->chunks.value_len};
    if (!in->chunks.got_value) {
        in->sum_given = S3P_SRV_SUM_NONE;
        in->two_sums = false;
        return S3P_SE_NONE;
    }
    if (!s3p_srv_sum_value(in->sum_given, value, in->sum_header))
        return S3P_SE_SUM_FORM;
    if (in->two_sums && in->sum_wanted == S3P_SRV_SUM_NONE) {
        memcpy(in->sum, in->given, sizeof in->sum);
        in->sum_len = in->given_len;
        in->sum_state.kind = in->sum_given;
        in->two_sums = false;
    }
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_intake_end(struct s3p_srv_intake *in, const struct s3p_srv_auth *auth)
{
    uint8_t hash[S3P_SHA256_BYTES];
    in->sum_len = s3p_srv_sum_end(&in->sum_state, in->sum);
    if (in->two_sums)
        in->given_len = s3p_srv_sum_end(&in->given_state, in->given);
    if (in->md5_wanted)
        s3p_md5_end(&in->md5_state, in->md5);
    if (in->hash)
        s3p_sha256_end(&in->sha_state, hash);
    enum s3p_srv_error e = in->chunks.on ? end_chunks(in) : S3P_SE_NONE;
    if (e != S3P_SE_NONE)
        return e;
    if (in->failed)
        return S3P_SE_BUSY;
    if (!s3p_buf_ok(&in->memory))
        return S3P_SE_INTERNAL;
    if (in->got != in->declared && !in->any_length)
        return S3P_SE_LENGTH_SHORT;
    if (in->hash && memcmp(hash, auth->hash, sizeof hash) != 0)
        return S3P_SE_HASH_MISMATCH;
    if (in->md5_given && memcmp(in->md5, in->md5_header, sizeof in->md5) != 0)
        return S3P_SE_DIGEST;
    const uint8_t *taken = in->two_sums ? in->given : in->sum;
    size_t len = in->two_sums ? in->given_len : in->sum_len;
    if (in->sum_given != S3P_SRV_SUM_NONE && memcmp(taken, in->sum_header, len) != 0)
        return S3P_SE_SUM;
    return S3P_SE_NONE;
}
