#include "py/state.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "py/url.h"
#include "s3/sign.h"

#define HEADERS_MAX 256
#define NAME_MAX_BYTES 256
#define QUERY_BYTES_MAX (64u << 10)
#define DATE_BYTES 16

/* What both functions need: the URL's parts, the date, and a signer of its day. */
struct signing {
    struct s3p_url_parts url;
    struct s3p_buf query; /* canonical */
    struct s3p_signer signer;
    char date[DATE_BYTES + 1];
};

static bool read_date(const char *text, char date[DATE_BYTES + 1])
{
    if (text == NULL) {
        s3p_amz_date(date, s3p_wall_ns() / S3P_S);
        date[DATE_BYTES] = 0;
        return true;
    }
    static const char shape[] = "00000000T000000Z";
    bool ok = strlen(text) == DATE_BYTES;
    for (int i = 0; ok && i < DATE_BYTES; i++)
        ok = shape[i] == '0' ? isdigit((unsigned char)text[i]) != 0 : text[i] == shape[i];
    if (ok)
        memcpy(date, text, DATE_BYTES + 1);
    else
        PyErr_SetString(PyExc_ValueError, "date: a text like 20130524T000000Z is expected");
    return ok;
}

/* The caller frees `s->query` in any case. */
static bool prepare(struct signing *s, PyObject *url, const struct s3p_credentials *cred,
                    const char *date)
{
    struct s3p_err err = {0};
    struct s3p_str text;
    s3p_buf_init(&s->query, QUERY_BYTES_MAX);
    if (!read_date(date, s->date) || !s3p_py_bytes(url, "url", &text))
        return false;
    int rc = s3p_url_split(&s->url, text, &err);
    if (rc == 0)
        rc = s3p_url_canonical_query(&s->query, s->url.query, &err);
    if (rc == 0)
        rc = s3p_signer_init(&s->signer, cred, s3p_wall_ns() / S3P_S, &err);
    if (rc != 0) {
        s3p_py_raise(&err);
        return false;
    }
    s3p_signer_day(&s->signer, s->date);
    return true;
}

static struct s3p_str query_of(const struct signing *s)
{
    return (struct s3p_str){s->query.data != NULL ? s->query.data : "", s->query.len};
}

static bool check_value(const char *name, struct s3p_str v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            PyErr_Format(PyExc_ValueError, "headers: %s: a control byte is in its value", name);
            return false;
        }
    }
    return true;
}

/* Puts name (made lower-case) and value into the dict; false with ValueError when the name is taken
 * or bad. */
static bool put_header(PyObject *out, struct s3p_str name, PyObject *value)
{
    char lower[NAME_MAX_BYTES];
    struct s3p_str v;
    bool ok = name.len > 0 && name.len < sizeof lower;
    for (size_t i = 0; ok && i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];
        ok = isalnum(c) || strchr("!#$%&'*+-.^_`|~", c) != NULL;
        lower[i] = (char)tolower(c);
    }
    if (!ok) {
        PyErr_SetString(PyExc_ValueError, "headers: a name is no HTTP token");
        return false;
    }
    lower[name.len] = 0;
    if (!s3p_py_bytes(value, "headers", &v) || !check_value(lower, v))
        return false;
    if (PyDict_GetItemString(out, lower) != NULL) {
        PyErr_Format(PyExc_ValueError, "headers: %s is there twice", lower);
        return false;
    }
    return PyDict_SetItemString(out, lower, value) == 0;
}

static bool put_given(PyObject *out, PyObject *headers)
{
    PyObject *items = headers == Py_None ? PyList_New(0) : PyMapping_Items(headers);
    Py_ssize_t n = items == NULL ? -1 : PyList_Size(items);
    bool ok = n >= 0;
    for (Py_ssize_t i = 0; ok && i < n; i++) {
        PyObject *name, *value;
        struct s3p_str text;
        ok = PyArg_ParseTuple(PyList_GetItem(items, i), "OO", &name, &value) &&
             s3p_py_bytes(name, "headers", &text) && put_header(out, text, value);
    }
    Py_XDECREF(items);
    return ok;
}

/* Those that the signature needs. */
static bool put_needed(PyObject *out, const struct signing *s, const char *payload_hash)
{
    const struct {
        const char *name;
        struct s3p_str value;
    } row[] = {
        {"host", s->url.authority},
        {"x-amz-content-sha256", {payload_hash, strlen(payload_hash)}},
        {"x-amz-date", {s->date, DATE_BYTES}},
        {"x-amz-security-token",
         {s->signer.cred.session_token,
          s->signer.cred.session_token == NULL ? 0 : strlen(s->signer.cred.session_token)}},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (row[i].value.p == NULL)
            continue;
        PyObject *value = PyUnicode_FromStringAndSize(row[i].value.p, (Py_ssize_t)row[i].value.len);
        bool ok = value != NULL &&
                  put_header(out, (struct s3p_str){row[i].name, strlen(row[i].name)}, value);
        Py_XDECREF(value);
        if (!ok)
            return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct s3p_header *x = a, *y = b;
    int order = memcmp(x->name.p, y->name.p, x->name.len < y->name.len ? x->name.len : y->name.len);
    return order != 0 ? order : x->name.len < y->name.len ? -1 : x->name.len > y->name.len;
}

/* Signs all that is in the dict and adds "authorization". */
static bool put_authorization(PyObject *out, const struct signing *s, const char *method,
                              const char *payload_hash)
{
    struct s3p_header header[HEADERS_MAX];
    PyObject *name, *value;
    Py_ssize_t at = 0;
    int n = 0;
    if (PyDict_GetItemString(out, "authorization") != NULL) {
        PyErr_SetString(PyExc_ValueError, "headers: authorization is what sign() makes");
        return false;
    }
    while (PyDict_Next(out, &at, &name, &value)) {
        if (n == HEADERS_MAX) {
            PyErr_Format(PyExc_ValueError, "headers: more than %d", HEADERS_MAX);
            return false;
        }
        if (!s3p_py_bytes(name, "headers", &header[n].name) ||
            !s3p_py_bytes(value, "headers", &header[n].value))
            return false;
        n++;
    }
    qsort(header, (size_t)n, sizeof header[0], by_name);
    struct s3p_buf line;
    s3p_buf_init(&line, QUERY_BYTES_MAX);
    s3p_sign_header(&s->signer, &line, method, s->url.path, query_of(s), header, n,
                    (struct s3p_str){payload_hash, strlen(payload_hash)}, s->date);
    static const char prefix[] = "authorization: ";
    PyObject *text = s3p_buf_ok(&line) && line.len > sizeof prefix
                         ? PyUnicode_FromStringAndSize(
                               line.data + sizeof prefix - 1,
                               (Py_ssize_t)(line.len - sizeof prefix - 1)) /* without CR LF */
                         : PyErr_NoMemory();
    s3p_buf_free(&line);
    bool ok = text != NULL && PyDict_SetItemString(out, "authorization", text) == 0;
    Py_XDECREF(text);
    return ok;
}

PyDoc_STRVAR(
    sign_doc,
    "sign(method, url, headers=None, *, access_key, secret_key, region='us-east-1',\n"
    "     session_token=None, payload_hash='UNSIGNED-PAYLOAD', date=None)\n--\n\n"
    "The headers to send with an S3 request, signed with SigV4; names in lower case.\n\n"
    "All given headers are signed. The path of `url` is signed as it stands, so it must be\n"
    "encoded already.\n\n"
    ">>> headers = sign('GET', 'http://127.0.0.1:9000/bucket/key', access_key='k',\n"
    "...                secret_key='s', date='20130524T000000Z')\n"
    ">>> sorted(headers)\n"
    "['authorization', 'host', 'x-amz-content-sha256', 'x-amz-date']\n"
    ">>> headers['authorization'][:54]\n"
    "'AWS4-HMAC-SHA256 Credential=k/20130524/us-east-1/s3/aw'\n");

static PyObject *sign(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"method", "url",           "headers",      "access_key", "secret_key",
                            "region", "session_token", "payload_hash", "date",       NULL};
    PyObject *url, *headers = Py_None;
    const char *method, *payload_hash = "UNSIGNED-PAYLOAD", *date = NULL;
    struct s3p_credentials cred = {.region = "us-east-1"};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|O$sszzsz:sign", names, &method, &url,
                                     &headers, &cred.access_key, &cred.secret_key, &cred.region,
                                     &cred.session_token, &payload_hash, &date))
        return NULL;
    if (cred.access_key == NULL || cred.secret_key == NULL || cred.region == NULL) {
        PyErr_SetString(PyExc_TypeError, "sign() needs access_key, secret_key and a region");
        return NULL;
    }
    struct signing s;
    PyObject *out = prepare(&s, url, &cred, date) ? PyDict_New() : NULL;
    if (out != NULL && !(put_given(out, headers) && put_needed(out, &s, payload_hash) &&
                         put_authorization(out, &s, method, payload_hash)))
        Py_CLEAR(out);
    s3p_buf_free(&s.query);
    return out;
}

PyDoc_STRVAR(
    presign_doc,
    "presign(method, url, *, access_key, secret_key, region='us-east-1', session_token=None,\n"
    "        expires=3600, date=None)\n--\n\n"
    "The URL with a signature in its query: good for `expires` seconds, without any header.\n\n"
    ">>> url = presign('GET', 'http://127.0.0.1:9000/bucket/key', access_key='k', secret_key='s')\n"
    ">>> url.partition('?')[0]\n"
    "'http://127.0.0.1:9000/bucket/key'\n"
    ">>> 'X-Amz-Signature=' in url\n"
    "True\n");

static PyObject *presign(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"method",        "url",     "access_key", "secret_key", "region",
                            "session_token", "expires", "date",       NULL};
    PyObject *url, *out = NULL;
    const char *method, *date = NULL;
    long long expires_s = 3600;
    struct s3p_credentials cred = {.region = "us-east-1"};
    struct s3p_err err = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$sszzLz:presign", names, &method, &url,
                                     &cred.access_key, &cred.secret_key, &cred.region,
                                     &cred.session_token, &expires_s, &date))
        return NULL;
    if (cred.access_key == NULL || cred.secret_key == NULL || cred.region == NULL) {
        PyErr_SetString(PyExc_TypeError, "presign() needs access_key, secret_key and a region");
        return NULL;
    }
    struct signing s;
    struct s3p_buf text;
    s3p_buf_init(&text, 2 * QUERY_BYTES_MAX);
    if (prepare(&s, url, &cred, date)) {
        s3p_buf_view(&text, s.url.scheme);
        s3p_buf_str(&text, "://");
        s3p_buf_view(&text, s.url.authority);
        s3p_buf_view(&text, s.url.path);
        s3p_buf_char(&text, '?');
        struct s3p_buf query; /* apart: the signature covers all that is in it */
        s3p_buf_init(&query, QUERY_BYTES_MAX);
        int rc = s3p_presign(&s.signer, &query, method, s.url.authority, s.url.path, query_of(&s),
                             expires_s, s.date, &err);
        s3p_buf_add(&text, query.data, rc == 0 ? query.len : 0);
        s3p_buf_free(&query);
        if (rc != 0)
            s3p_py_raise(&err);
        else if (s3p_buf_ok(&text))
            out = PyUnicode_FromStringAndSize(text.data, (Py_ssize_t)text.len);
        else
            PyErr_NoMemory();
    }
    s3p_buf_free(&text);
    s3p_buf_free(&s.query);
    return out;
}

static PyMethodDef functions[] = {
    {"sign", (PyCFunction)(void (*)(void))sign, METH_VARARGS | METH_KEYWORDS, sign_doc},
    {"presign", (PyCFunction)(void (*)(void))presign, METH_VARARGS | METH_KEYWORDS, presign_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_sign_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
