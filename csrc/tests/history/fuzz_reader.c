/* libFuzzer target: any bytes, as they are and with their checksums made right, so that the checks
 * behind them are reached. What opens must be readable everywhere: every record as JSON, every
 * column of both Arrow streams. clang -fsanitize=fuzzer,address,undefined …
 * csrc/tests/history/fuzz_reader.c */
#include <string.h>

#include "core/alloc.h"
#include "core/crc.h"
#include "history/arrow.h"
#include "history/format.h"
#include "history/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_checksums_right(uint8_t *p, size_t len)
{
    struct s3p_file_header h;
    if (len < sizeof h)
        return;
    memcpy(&h, p, sizeof h);
    if (h.json_bytes > len - sizeof h)
        return;
    h.json_crc = s3p_crc32c(0, p + sizeof h, h.json_bytes);
    memcpy(p, &h, sizeof h);
    size_t at = s3p_pad(sizeof h + h.json_bytes);
    while (at < len && len - at >= sizeof(struct s3p_segment_head)) {
        struct s3p_segment_head head;
        memcpy(&head, p + at, sizeof head);
        if (memcmp(head.magic, S3P_SEGMENT_MAGIC, sizeof head.magic) != 0) {
            uint32_t crc = s3p_crc32c(0, p + at, offsetof(struct s3p_file_footer, crc));
            memcpy(p + at + offsetof(struct s3p_file_footer, crc), &crc, sizeof crc);
            return;
        }
        size_t left = len - at - sizeof head;
        if (head.payload_bytes <= left)
            head.payload_crc = s3p_crc32c(0, p + at + sizeof head, head.payload_bytes);
        head.head_crc = s3p_crc32c(0, &head, offsetof(struct s3p_segment_head, head_crc));
        memcpy(p + at, &head, sizeof head);
        at += sizeof head + (head.payload_bytes <= left ? head.payload_bytes : left);
    }
}

static void read_stream(struct ArrowArrayStream *st)
{
    struct ArrowArray a;
    while (st->get_next(st, &a) == 0 && a.release != NULL)
        a.release(&a);
    st->release(st);
}

static void use(struct s3p_histfile *f)
{
    struct s3p_keynames *k = NULL;
    struct ArrowArrayStream st;
    struct s3p_buf out;
    s3p_buf_init(&out, 16u << 20);
    if (s3p_keynames_create(&k, s3p_histfile_header(f), NULL) != 0)
        k = NULL;
    for (uint32_t i = 0; i < s3p_histfile_segments(f); i++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, i);
        for (uint32_t r = 0; r < s->records; r++) {
            s3p_buf_clear(&out);
            s3p_record_json(s, r, k, &out);
        }
    }
    s3p_buf_free(&out);
    s3p_keynames_free(k);
    if (s3p_histfile_stream(&st, f, NULL) == 0)
        read_stream(&st);
    if (s3p_histfile_text_stream(&st, f, NULL) == 0)
        read_stream(&st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = s3p_alloc_aligned(64, size > 0 ? size : 1);
    if (p == NULL)
        return 0;
    if (size > 0)
        memcpy(p, data, size);
    for (int round = 0; round < 2; round++) {
        struct s3p_histfile *f;
        struct s3p_err err = {0};
        int rc = s3p_histfile_open_mem(&f, p, size, true, &err);
        if (rc == 0)
            use(f);
        else if (rc != S3P_EFORMAT || err.msg[0] == 0)
            __builtin_trap();
        s3p_histfile_close(f);
        make_checksums_right(p, size);
    }
    s3p_free(p);
    return 0;
}
