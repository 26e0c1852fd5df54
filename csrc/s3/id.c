#include "s3/id.h"

#include "core/random.h"
#include "core/text.h"

static void put_be(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

struct s3p_id s3p_id_make(uint64_t run, uint32_t client, uint64_t counter)
{
    struct s3p_id id;
    put_be(id.b, run, 6);
    put_be(id.b + 6, client, 4);
    put_be(id.b + 10, counter, 6);
    return id;
}

uint64_t s3p_id_run(struct s3p_id id)
{
    return get_be(id.b, 6);
}

uint32_t s3p_id_client(struct s3p_id id)
{
    return (uint32_t)get_be(id.b + 6, 4);
}

uint64_t s3p_id_counter(struct s3p_id id)
{
    return get_be(id.b + 10, 6);
}

void s3p_id_text(char dst[32], struct s3p_id id)
{
    s3p_hex(dst, id.b, sizeof id.b);
}

bool s3p_id_parse(struct s3p_id *out, const char *text, size_t len)
{
    return len == 32 && s3p_unhex(out->b, text, 32);
}

void s3p_composite_add(struct s3p_composite *c, struct s3p_id part)
{
    if (c->n++ == 0)
        c->first = part;
    c->unknown |= s3p_id_none(part);
    c->a = s3p_mix64(c->a ^ get_be(part.b, 8));
    c->b = s3p_mix64(c->b + get_be(part.b + 8, 8) + c->a);
}

struct s3p_id s3p_composite_id(const struct s3p_composite *c)
{
    struct s3p_id none = {{0}};
    if (c->n == 0 || c->unknown)
        return none;
    return c->n == 1 ? c->first
                     : s3p_id_make(s3p_id_run(c->first), (uint32_t)(c->a >> 32), c->b >> 16);
}
