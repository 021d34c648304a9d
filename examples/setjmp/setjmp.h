// setjmp and longjmp for WASI, which wasi-libc has from version 24 on.
#include <stdint.h>

typedef struct {
  void *invocation;
  uint32_t label;
  struct {
    void *env;
    int value;
  } thrown;
} jmp_buf[1];

int setjmp(jmp_buf) __attribute__((returns_twice));
void longjmp(jmp_buf, int) __attribute__((noreturn));
