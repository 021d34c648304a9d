// The calls to which clang compiles setjmp and longjmp (LLVM, WebAssemblyLowerEmscriptenEHSjLj).
#include "setjmp.h"

__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");

void __wasm_setjmp(jmp_buf env, uint32_t label, void *invocation) {
  env->invocation = invocation;
  env->label = label;
}

uint32_t __wasm_setjmp_test(jmp_buf env, void *invocation) { return env->invocation == invocation ? env->label : 0; }

void __wasm_longjmp(jmp_buf env, int value) {
  env->thrown.env = env;
  env->thrown.value = value ? value : 1;
  __builtin_wasm_throw(1, &env->thrown);
}
