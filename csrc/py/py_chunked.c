/* Bodies in aws-chunked form, for tests that put what is signed beside another signer. */
#include "py/state.h"

#include <string.h>

#include "core/clock.h"
#include "s3/chunked.h"

static const struct {
    const char *name;
    enum s3p_payload payload;
} modes[] = {
    {"signed", S3P_PAYLOAD_CHUNKED},
    {"signed_trailer", S3P_PAYLOAD_CHUNKED_TRAILER},
    {"unsigned_trailer", S3P_PAYLOAD_UNSIGNED_TRAILER},
};

static void fill(void *arg, uint64_t offset, uint8_t *dst, size_t n)
{
    const Py_buffer *data = arg;
    memcpy(dst, (const char *)data->buf + offset, n);
}

/* False with ValueError. */
static bool read_mode(struct s3p_chunked *c, const char *mode, const char *checksum)
{
    c->payload = S3P_PAYLOAD_UNSIGNED;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(mode, modes[i].name) == 0)
            c->payload = modes[i].payload;
    if (!s3p_payload_is_chunked(c->payload)) {
        PyErr_Format(PyExc_ValueError,
                     "mode: %s, expected signed, signed_trailer or unsigned_trailer", mode);
        return false;
    }
    c->sum = s3p_sum_find((struct s3p_str){checksum, strlen(checksum)});
    if (s3p_payload_has_trailer(c->payload) == (c->sum != S3P_SUM_NONE))
        return true;
    PyErr_Format(PyExc_ValueError, "checksum: '%s', expected %s", checksum,
                 c->sum == S3P_SUM_NONE ? "the name of one for the trailer"
                                        : "none without a trailer");
    return false;
}

PyDoc_STRVAR(
    chunked_doc,
    "chunked(data, *, mode, checksum='', access_key, secret_key, region='us-east-1', seed, date)\n"
    "--\n\n"
    "The body in aws-chunked form, in frames of 64 KiB: what stands after the head of a request\n"
    "with the signature `seed` (64 hex digits) and the x-amz-date `date`.\n\n"
    ">>> chunked(b'ab', mode='unsigned_trailer', checksum='crc32', access_key='k',\n"
    "...         secret_key='s', seed='0' * 64, date='20130524T000000Z')\n"
    "b'2\\r\\nab\\r\\n0\\r\\nx-amz-checksum-crc32:noNIbQ==\\r\\n\\r\\n'\n");

static PyObject *chunked(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"data",   "mode", "checksum", "access_key", "secret_key",
                            "region", "seed", "date",     NULL};
    Py_buffer data;
    const char *mode = "", *checksum = "", *seed = "", *date = "";
    struct s3p_credentials cred = {.region = "us-east-1", .access_key = "", .secret_key = ""};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|$sssssss:chunked", names, &data, &mode,
                                     &checksum, &cred.access_key, &cred.secret_key, &cred.region,
                                     &seed, &date))
        return NULL;
    struct s3p_chunked c = {.len = (uint64_t)data.len, .fill = fill, .fill_arg = &data};
    struct s3p_signer signer;
    struct s3p_err err = {0};
    PyObject *out = NULL;
    bool ok = read_mode(&c, mode, checksum);
    if (ok && (strlen(seed) != sizeof c.previous || strlen(date) != sizeof c.date)) {
        PyErr_SetString(PyExc_ValueError,
                        "seed, date: 64 hex digits and a text like 20130524T000000Z are expected");
        ok = false;
    }
    if (ok && s3p_signer_init(&signer, &cred, s3p_wall_ns() / S3P_S, &err) != 0) {
        s3p_py_raise(&err);
        ok = false;
    }
    if (ok) {
        uint64_t n = s3p_chunked_len(c.payload, c.sum, c.len);
        s3p_signer_day(&signer, date);
        s3p_chunked_start(&c, &signer, seed, date);
        out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);
        if (out != NULL)
            s3p_chunked_next(&c, (uint8_t *)PyBytes_AsString(out), (size_t)n);
        explicit_bzero(&signer, sizeof signer);
        explicit_bzero(&c, sizeof c);
    }
    PyBuffer_Release(&data);
    return out;
}

static PyMethodDef functions[] = {
    {"chunked", (PyCFunction)(void (*)(void))chunked, METH_VARARGS | METH_KEYWORDS, chunked_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_chunked_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
