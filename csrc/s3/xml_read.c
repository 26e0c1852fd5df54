#include "s3/xml_read.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "core/alloc.h"

#define FIRST_COUNT 16

struct state {
    const struct s3p_xml_reader *reader;
    struct s3p_err *err;
    XML_Parser parser;
    struct s3p_buf text; /* of the innermost element */
    int ids[S3P_XML_DEPTH];
    int depth;
    int rc; /* first failure of ours */
};

static void stop(struct state *s, int rc)
{
    if (s->rc == S3P_OK)
        s->rc = rc;
    XML_StopParser(s->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon == NULL ? name : colon + 1;
}

static int find_id(const struct s3p_xml_element *e, int parent, const char *name)
{
    for (; e->name != NULL; e++)
        if (e->parent == parent && strcmp(e->name, name) == 0)
            return e->id;
    return 0;
}

/* The length of a name without what says that it is an answer. */
static size_t stem_of(const char *name)
{
    static const char *const ends[] = {"Result", "Response"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (n > end && strcmp(name + n - end, ends[i]) == 0)
            return n - end;
    }
    return n;
}

/* A store may call a result a response, or the other way round; no SDK looks. */
static bool is_root(const char *name, const char *root)
{
    size_t stem = stem_of(root);
    return strcmp(name, root) == 0 || (name[stem_of(name)] != '\0' && root[stem] != '\0' &&
                                       stem_of(name) == stem && memcmp(name, root, stem) == 0);
}

static void XMLCALL on_open(void *arg, const XML_Char *full_name, const XML_Char **attributes)
{
    struct state *s = arg;
    const char *name = local_name(full_name);
    (void)attributes;
    if (s->rc != S3P_OK)
        return;
    if (s->depth == S3P_XML_DEPTH) {
        stop(s, s3p_fail(s->err, S3P_EFORMAT, 0, "answer: XML deeper than %d elements",
                         S3P_XML_DEPTH));
        return;
    }
    const struct s3p_xml_element *root = s->reader->elements;
    if (s->depth == 0 && !is_root(name, root->name)) {
        stop(s, s3p_fail(s->err, S3P_EFORMAT, 0, "answer: root element <%.64s>, expected <%s>",
                         name, root->name));
        return;
    }
    int parent = s->depth == 0 ? 0 : s->ids[s->depth - 1];
    int id = s->depth == 0 ? root->id : parent == 0 ? 0 : find_id(root, parent, name);
    s->ids[s->depth++] = id;
    s3p_buf_clear(&s->text);
    if (id == 0 || s->reader->open == NULL)
        return;
    int rc = s->reader->open(s->reader->arg, id, s->err);
    if (rc < 0)
        stop(s, rc);
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int len)
{
    struct state *s = arg;
    if (s->rc == S3P_OK && s->ids[s->depth - 1] != 0)
        s3p_buf_add(&s->text, p, (size_t)len);
}

static void XMLCALL on_close(void *arg, const XML_Char *name)
{
    struct state *s = arg;
    (void)name;
    if (s->rc != S3P_OK)
        return;
    int id = s->ids[--s->depth], rc = S3P_OK;
    if (!s3p_buf_ok(&s->text))
        rc = s3p_fail(s->err, S3P_ENOMEM, 0, "answer: text of an element");
    else if (id != 0)
        rc = s->reader->take(s->reader->arg, id, (struct s3p_str){s->text.data, s->text.len},
                             s->err);
    s3p_buf_clear(&s->text);
    if (rc < 0)
        stop(s, rc);
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal)
{
    struct state *s = arg;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    stop(s, s3p_fail(s->err, S3P_EFORMAT, 0, "answer: XML with a document type declaration"));
}

static int parse(struct state *s, const char *p, size_t len)
{
    if (len > INT_MAX)
        return s3p_fail(s->err, S3P_ELIMIT, 0, "answer: %zu bytes of XML", len);
    XML_SetUserData(s->parser, s);
    XML_SetElementHandler(s->parser, on_open, on_close);
    XML_SetCharacterDataHandler(s->parser, on_text);
    XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
    enum XML_Status status = XML_Parse(s->parser, p, (int)len, 1);
    if (s->rc < 0)
        return s->rc;
    if (status == XML_STATUS_OK)
        return S3P_OK;
    enum XML_Error why = XML_GetErrorCode(s->parser);
    return s3p_fail(s->err, why == XML_ERROR_NO_MEMORY ? S3P_ENOMEM : S3P_EFORMAT, (int)why,
                    "answer: XML, byte %lld: %s", (long long)XML_GetCurrentByteIndex(s->parser),
                    XML_ErrorString(why));
}

int s3p_xml_read(const struct s3p_xml_reader *r, const char *p, size_t len, struct s3p_err *err)
{
    static const XML_Memory_Handling_Suite memory = {s3p_alloc, s3p_realloc, s3p_free};
    struct state s = {
        .reader = r, .err = err, .parser = XML_ParserCreate_MM("UTF-8", &memory, NULL)};
    if (s.parser == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "XML parser");
    s3p_buf_init(&s.text, len);
    int rc = parse(&s, p, len);
    s3p_buf_free(&s.text);
    XML_ParserFree(s.parser);
    return rc;
}

/* Full at 16, 32, 64, …: only then is there a new array, so the arena holds at most twice what is
 * used. */
void *s3p_xml_append(struct s3p_arena *arena, void *array, int n, size_t size, struct s3p_err *err)
{
    bool full = n == 0 || (n >= FIRST_COUNT && (n & (n - 1)) == 0);
    if (!full)
        return array;
    size_t count = n == 0 ? FIRST_COUNT : 2 * (size_t)n;
    void *grown = s3p_arena_alloc(arena, count * size);
    if (grown == NULL) {
        s3p_fail(err, S3P_ELIMIT, 0, "answer: %zu elements do not fit the arena", count);
        return NULL;
    }
    if (n > 0)
        memcpy(grown, array, (size_t)n * size);
    return grown;
}

int s3p_xml_keep(struct s3p_str *out, struct s3p_arena *arena, struct s3p_str text,
                 struct s3p_err *err)
{
    const char *p = s3p_arena_strndup(arena, text.len == 0 ? "" : text.p, text.len);
    if (p == NULL)
        return s3p_fail(err, S3P_ELIMIT, 0, "answer: a text of %zu bytes does not fit the arena",
                        text.len);
    *out = (struct s3p_str){p, text.len};
    return S3P_OK;
}
