// Jump leaves nested functions by longjmp. Compiled in this folder with Debian's clang 22:
//
//	clang-22 --target=wasm32-wasi -O2 -s --no-wasm-opt -mexception-handling -mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=false -I. -o jump.wasm jump.c setjmp.c
#include <setjmp.h>
#include <stdio.h>

static jmp_buf here;

__attribute__((noinline)) static void deep(int n, int value) {
  if (n == 0)
    longjmp(here, value);
  deep(n - 1, value);
  puts("not reached");
}

int main(void) {
  volatile int left = 1000;
  int value = setjmp(here);
  if (--left > 0)
    deep(left % 50, left);
  printf("jumped, at last with %d\n", value);
  return 0;
}
