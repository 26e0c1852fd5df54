#include "server/ids.h"

#include "core/random.h"
#include "core/text.h"

static void put_be(uint8_t at[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * (7 - i)));
}

static uint64_t get_be(const uint8_t at[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | at[i];
    return v;
}

/* The mixed number hides the order and checks the other half. */
void s3p_srv_id_text(char text[S3P_SRV_ID_BYTES], uint64_t seq)
{
    uint8_t bytes[16];
    uint64_t mixed = s3p_mix64(seq);
    put_be(bytes, mixed);
    put_be(bytes + 8, mixed ^ seq);
    s3p_hex(text, bytes, sizeof bytes);
}

bool s3p_srv_id_parse(struct s3p_str text, uint64_t *seq)
{
    uint8_t bytes[16];
    if (text.len != S3P_SRV_ID_BYTES || !s3p_unhex(bytes, text.p, text.len))
        return false;
    *seq = get_be(bytes) ^ get_be(bytes + 8);
    return *seq != 0 && s3p_mix64(*seq) == get_be(bytes);
}
