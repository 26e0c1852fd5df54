#include "server/rule_doc.h"

#include <string.h>

#include "core/text.h"
#include "server/xml_read.h"

#define SET_MAX (4 * 1024 * 1024)

unsigned s3p_srv_seen(const struct s3p_srv_rule_doc *d, unsigned which)
{
    return d->seen >> which & 1;
}

static void fail(struct s3p_srv_rule_doc *d, enum s3p_srv_error e)
{
    if (d->error == S3P_SE_NONE)
        d->error = e;
}

static void on_open(void *cls, const char *path)
{
    struct s3p_srv_rule_doc *d = cls;
    if (strcmp(path, "Rule") == 0) {
        memset(d->rule, 0, d->kind->rule_bytes); /* padding too: it is stored as it stands */
        d->seen = 0;
        s3p_srv_filter_begin(&d->filter);
    } else if (strncmp(path, "Rule/", 5) == 0) {
        s3p_srv_filter_open(&d->filter, path + 5);
    }
}

static enum s3p_srv_error end_rule(struct s3p_srv_rule_doc *d)
{
    size_t bytes = d->kind->rule_bytes;
    enum s3p_srv_error e = s3p_srv_filter_end(&d->filter);
    if (e == S3P_SE_NONE)
        e = d->kind->check(d, &d->filter.filter);
    for (size_t at = 0; e == S3P_SE_NONE && at < d->rows.len; at += bytes)
        e = d->kind->against(d, d->rows.data + at);
    if (e == S3P_SE_NONE && d->rows.len / bytes == S3P_SRV_RULES_MAX)
        e = S3P_SE_XML;
    s3p_buf_add(&d->rows, d->rule, bytes);
    return e;
}

static enum s3p_srv_error end_element(struct s3p_srv_rule_doc *d, const char *path,
                                      struct s3p_str text)
{
    const struct s3p_srv_rule_element *elements = d->kind->elements;
    enum s3p_srv_error e = S3P_SE_NONE;
    size_t i = 0;
    if (s3p_srv_filter_field(&d->filter, path, text, &e))
        return e;
    while (i < d->kind->n && strcmp(path, elements[i].path) != 0)
        i++;
    if (i == d->kind->n)
        return S3P_SE_NOT_IMPLEMENTED;
    if (s3p_srv_seen(d, (unsigned)i))
        return S3P_SE_XML;
    d->seen |= 1u << i;
    return elements[i].take == NULL
               ? S3P_SE_NONE
               : elements[i].take(d, elements[i].plain ? text : s3p_srv_trim(text));
}

static void on_end(void *cls, const char *path, struct s3p_str text)
{
    struct s3p_srv_rule_doc *d = cls;
    if (strcmp(path, "Rule") == 0)
        fail(d, end_rule(d));
    else if (strncmp(path, "Rule/", 5) == 0)
        fail(d, end_element(d, path + 5, text));
    else
        fail(d, d->kind->beside == NULL ? S3P_SE_NOT_IMPLEMENTED : d->kind->beside(d, path, text));
}

enum s3p_srv_error s3p_srv_rule_doc_read(struct s3p_srv_rule_doc *d, struct s3p_str body,
                                         struct s3p_buf *out)
{
    const struct s3p_srv_xml_paths to = {on_open, on_end, d};
    s3p_buf_init(&d->rows, SET_MAX);
    s3p_buf_init(&d->texts, SET_MAX);
    s3p_srv_filter_reader_init(&d->filter, &d->texts);
    enum s3p_srv_error e = s3p_srv_xml_paths(body, d->kind->root, &to);
    if (e == S3P_SE_NONE)
        e = d->error;
    if (e == S3P_SE_NONE && (d->rows.len == 0 || !s3p_buf_ok(&d->rows) || !s3p_buf_ok(&d->texts)))
        e = S3P_SE_XML;
    if (e == S3P_SE_NONE && d->kind->end != NULL)
        e = d->kind->end(d);
    if (e == S3P_SE_NONE)
        s3p_srv_rule_set_store(out, &d->rows, &d->texts, d->kind->rule_bytes);
    s3p_srv_filter_reader_free(&d->filter);
    s3p_buf_free(&d->rows);
    s3p_buf_free(&d->texts);
    return e;
}
