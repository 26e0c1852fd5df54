/* CRC32 (zlib), CRC32C (Castagnoli, reflected 0x82F63B78), CRC64NVME (reflected
 * 0x9A6C9329AC4BC9B5). `crc` is 0 for the first call and the previous result after it (initial
 * value and final xor are inside). Dispatched once at run time to SSE4.2, PCLMULQDQ or VPCLMULQDQ,
 * slicing-by-8 elsewhere; one file an instruction set. Check values ("123456789"): CBF43926,
 * E3069283, AE8B14860A799888. Threads: any. */
#ifndef S3P_CORE_CRC_H
#define S3P_CORE_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t s3p_crc32(uint32_t crc, const void *p, size_t len);
uint32_t s3p_crc32c(uint32_t crc, const void *p, size_t len);
uint64_t s3p_crc64nvme(uint64_t crc, const void *p, size_t len);

/* CRC of A‖B from the CRCs of A and B and the length of B; O(log len_b). */
uint32_t s3p_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b);
uint32_t s3p_crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b);
uint64_t s3p_crc64nvme_combine(uint64_t a, uint64_t b, uint64_t len_b);

#endif
