/* The two CRCs of S3 that Python's own library lacks. */
#include "py/state.h"

#include "core/crc.h"

/* (data, value): the buffer is released by the caller. */
static int parse(PyObject *args, const char *format, Py_buffer *data, unsigned long long *value)
{
    *value = 0;
    return PyArg_ParseTuple(args, format, data, value);
}

PyDoc_STRVAR(crc32c_doc, "crc32c(data, value=0, /)\n--\n\n"
                         "CRC32C of the bytes, continued from `value`.\n\n"
                         ">>> hex(crc32c(b'6789', crc32c(b'12345')))\n"
                         "'0xe3069283'\n");

static PyObject *crc32c(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer data;
    unsigned long long value;
    if (!parse(args, "y*|K:crc32c", &data, &value))
        return NULL;
    uint32_t crc;
    Py_BEGIN_ALLOW_THREADS crc = s3p_crc32c((uint32_t)value, data.buf, (size_t)data.len);
    Py_END_ALLOW_THREADS PyBuffer_Release(&data);
    return PyLong_FromUnsignedLong(crc);
}

PyDoc_STRVAR(crc64nvme_doc, "crc64nvme(data, value=0, /)\n--\n\n"
                            "CRC64NVME of the bytes, continued from `value`.\n\n"
                            ">>> hex(crc64nvme(b'123456789'))\n"
                            "'0xae8b14860a799888'\n");

static PyObject *crc64nvme(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer data;
    unsigned long long value;
    if (!parse(args, "y*|K:crc64nvme", &data, &value))
        return NULL;
    Py_BEGIN_ALLOW_THREADS value = s3p_crc64nvme(value, data.buf, (size_t)data.len);
    Py_END_ALLOW_THREADS PyBuffer_Release(&data);
    return PyLong_FromUnsignedLongLong(value);
}

static PyMethodDef functions[] = {
    {"crc32c", crc32c, METH_VARARGS, crc32c_doc},
    {"crc64nvme", crc64nvme, METH_VARARGS, crc64nvme_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_crc_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
