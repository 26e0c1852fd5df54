/* Small pure functions: what an outcome is, what a body holds, whether a plan is one; and how this
 * module was built. */
#include "py/state.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <string.h>

#include "engine/engine.h"
#include "history/record.h"
#include "http/conn.h"
#include "s3/body.h"
#include "s3/outcome.h"

#ifndef S3P_VARIANT
#define S3P_VARIANT "release"
#endif

static int find_name(int column, const char *name)
{
    const struct s3p_column_sense *sense = &s3p_column_sense_table[column];
    for (unsigned v = 0; v < sense->values; v++)
        if (strcmp(sense->value_name(v), name) == 0)
            return (int)v;
    PyErr_Format(PyExc_ValueError, "%s: %s is not known", s3p_column_table[column].name, name);
    return -1;
}

PyDoc_STRVAR(
    outcome_doc,
    "outcome(op, *, cond='', phase='answered', status=0, code='', error_document=False,\n"
    "        has_etag=False, body_complete=True)\n--\n\n"
    "What the end of an attempt means: names of outcome and evidence, by csrc/s3/outcomes.json.\n\n"
    ">>> outcome('put', status=200, has_etag=True)\n"
    "('ok', 'value')\n"
    ">>> outcome('put', status=503, code='SlowDown')\n"
    "('unknown', 'none')\n");

static PyObject *outcome(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"op",       "cond",          "phase",
                            "status",   "code",          "error_document",
                            "has_etag", "body_complete", NULL};
    const char *op_name, *cond = "", *phase = "answered", *code = "";
    int status = 0, error_document = 0, has_etag = 0, body_complete = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|$ssisppp:outcome", names, &op_name, &cond,
                                     &phase, &status, &code, &error_document, &has_etag,
                                     &body_complete))
        return NULL;
    int op = find_name(S3P_COL_op, op_name);
    int cond_number = op < 0 ? -1 : find_name(S3P_COL_cond, cond[0] == 0 ? "none" : cond);
    int phase_number = cond_number < 0 ? -1 : find_name(S3P_COL_phase, phase);
    if (phase_number < 0)
        return NULL;
    struct s3p_end end = {.op = (enum s3p_op)op,
                          .cond = (enum s3p_cond)cond_number,
                          .phase = phase_number,
                          .status = status,
                          .code = code,
                          .error_document = error_document != 0,
                          .has_etag = has_etag != 0,
                          .body_complete = body_complete != 0};
    enum s3p_evidence evidence;
    enum s3p_outcome o = s3p_outcome_of(&end, &evidence);
    return Py_BuildValue("ss", s3p_outcome_name[o], s3p_evidence_name[evidence]);
}

PyDoc_STRVAR(key_hash_doc,
             "key_hash(role, key, /)\n--\n\n"
             "The hash of bucket role and key that the first cell of a body holds.\n\n"
             ">>> key_hash('main', 'a') == key_hash('main', b'a')\n"
             "True\n"
             ">>> key_hash('main', 'a') == key_hash('other', 'a')\n"
             "False\n");

static PyObject *key_hash(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *role, *key;
    struct s3p_str r, k;
    if (!PyArg_ParseTuple(args, "OO:key_hash", &role, &key) || !s3p_py_bytes(role, "role", &r) ||
        !s3p_py_bytes(key, "key", &k))
        return NULL;
    return PyLong_FromUnsignedLongLong(s3p_key_hash(r.p, r.len, k.p, k.len));
}

PyDoc_STRVAR(body_doc, "body(value_id, length, key_hash, /)\n--\n\n"
                       "The bytes of a body: `value_id` as 32 hex digits.\n\n"
                       ">>> value_id = '0123456789ab00000001000000000001'\n"
                       ">>> data = body(value_id, 100, key_hash('main', 'a'))\n"
                       ">>> len(data), data[:16].hex() == value_id\n"
                       "(100, True)\n");

static PyObject *body(PyObject *module, PyObject *args)
{
    (void)module;
    struct s3p_body b;
    const char *text;
    Py_ssize_t text_len, length;
    unsigned long long hash;
    char *p;
    if (!PyArg_ParseTuple(args, "s#nK:body", &text, &text_len, &length, &hash))
        return NULL;
    if (length < 0 || !s3p_id_parse(&b.id, text, (size_t)text_len)) {
        PyErr_SetString(PyExc_ValueError,
                        length < 0 ? "length: negative" : "value_id: 32 hex digits are expected");
        return NULL;
    }
    b.len = (uint64_t)length;
    b.key_hash = hash;
    PyObject *out = PyBytes_FromStringAndSize(NULL, length);
    if (out == NULL || PyBytes_AsStringAndSize(out, &p, &length) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS s3p_body_fill(&b, 0, (uint8_t *)p, (size_t)length);
    Py_END_ALLOW_THREADS return out;
}

PyDoc_STRVAR(
    verify_doc,
    "verify(data, key_hash, whole, range_start, expect_len, total_len, meta_id, /)\n--\n\n"
    "What the body of an answer is: verdict, id, second id, offset of the first bad cell,\n"
    "counter. Lengths are -1 when they are not known, ids 32 hex digits.\n\n"
    ">>> value_id = '0123456789ab00000001000000000001'\n"
    ">>> verify(body(value_id, 100, 5), 5, True, 0, 100, -1, '0' * 32)[:2] == ('clean', value_id)\n"
    "True\n");

static PyObject *verify(PyObject *module, PyObject *args)
{
    (void)module;
    struct s3p_verify v;
    struct s3p_id meta_id;
    Py_buffer data;
    unsigned long long hash, start;
    long long expect, total;
    const char *text;
    Py_ssize_t text_len;
    int whole;
    char ids[2][32];
    if (!PyArg_ParseTuple(args, "y*KpKLLs#:verify", &data, &hash, &whole, &start, &expect, &total,
                          &text, &text_len))
        return NULL;
    if (!s3p_id_parse(&meta_id, text, (size_t)text_len)) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "meta_id: 32 hex digits are expected");
        return NULL;
    }
    s3p_verify_start(&v, hash, whole != 0, start, expect < 0 ? UINT64_MAX : (uint64_t)expect,
                     total < 0 ? UINT64_MAX : (uint64_t)total, meta_id);
    s3p_verify_add(&v, data.buf, (size_t)data.len);
    PyBuffer_Release(&data);
    const char *verdict =
        s3p_column_sense_table[S3P_COL_body_verdict].value_name((unsigned)s3p_verify_end(&v));
    s3p_id_text(ids[0], v.id);
    s3p_id_text(ids[1], v.id2);
    return Py_BuildValue("ss#s#KL", verdict, ids[0], (Py_ssize_t)32, ids[1], (Py_ssize_t)32,
                         (unsigned long long)v.bad_offset, (long long)v.counter);
}

PyDoc_STRVAR(
    plan_check_doc,
    "plan_check(plan, /)\n--\n\n"
    "Parses and validates a plan as the engine does; ValueError with one line when it is bad.\n\n"
    ">>> plan_check('{\"name\": \"x\"}')\n"
    "Traceback (most recent call last):\n"
    "ValueError: ...\n");

static PyObject *plan_check(PyObject *module, PyObject *plan)
{
    struct s3p_err err = {0};
    char *p;
    Py_ssize_t len;
    PyObject *bytes = s3p_py_json_bytes(s3p_py_state_of(module), plan, "plan");
    if (bytes == NULL || PyBytes_AsStringAndSize(bytes, &p, &len) < 0)
        return NULL;
    int rc = s3p_plan_check(p, (size_t)len, &err);
    Py_DECREF(bytes);
    if (rc != 0)
        return s3p_py_raise(&err);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(build_info_doc, "build_info()\n--\n\n"
                             "Compiler, variant and library versions, at build and as loaded.\n\n"
                             ">>> info = build_info()\n"
                             ">>> info['curl'].startswith('libcurl')\n"
                             "True\n");

static PyObject *build_info(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return Py_BuildValue("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "compiler", __VERSION__, "variant",
                         S3P_VARIANT, "python_built_for", PY_VERSION, "curl", s3p_net_version(),
                         "openssl", OpenSSL_version(OPENSSL_VERSION), "openssl_built_for",
                         OPENSSL_VERSION_TEXT, "jansson", JANSSON_VERSION);
}

PyDoc_STRVAR(
    debug_live_doc,
    "_debug_live()\n--\n\n"
    "How many native objects of this module are alive; a test asserts zeros at its end.\n\n"
    ">>> sorted(_debug_live())\n"
    "['engines', 'histories', 'writers']\n");

static PyObject *debug_live(PyObject *module, PyObject *unused)
{
    (void)unused;
    struct s3p_py_state *st = s3p_py_state_of(module);
    return Py_BuildValue("{s:l,s:l,s:l}", "engines",
                         atomic_load_explicit(&st->engines, memory_order_relaxed), "histories",
                         atomic_load_explicit(&st->histories, memory_order_relaxed), "writers",
                         atomic_load_explicit(&st->writers, memory_order_relaxed));
}

static PyMethodDef functions[] = {
    {"outcome", (PyCFunction)(void (*)(void))outcome, METH_VARARGS | METH_KEYWORDS, outcome_doc},
    {"key_hash", key_hash, METH_VARARGS, key_hash_doc},
    {"body", body, METH_VARARGS, body_doc},
    {"verify", verify, METH_VARARGS, verify_doc},
    {"plan_check", plan_check, METH_O, plan_check_doc},
    {"build_info", build_info, METH_NOARGS, build_info_doc},
    {"_debug_live", debug_live, METH_NOARGS, debug_live_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_facts_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
