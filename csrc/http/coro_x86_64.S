/* void s3p_coro_switch(void **save_sp, void *load_sp) Pushes the callee-saved registers, stores the
 * stack pointer, takes the other stack and returns there. A caller of a function expects no more to
 * survive (System V ABI): mxcsr and the x87 control word are never changed by this code. */
#if defined(__x86_64__) && !defined(S3P_CORO_UCONTEXT)
    .text
    .globl s3p_coro_switch
    .hidden s3p_coro_switch
    .type s3p_coro_switch, @function
    .align 16
s3p_coro_switch:
    .cfi_startproc
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size s3p_coro_switch, . - s3p_coro_switch
#endif
    .section .note.GNU-stack, "", @progbits
