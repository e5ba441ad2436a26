// The library's C functions, as native_library.py declares them. Compiled once for each instruction set.
//
// Every function returns a negative number, or a null pointer, where something is wrong; `tanren_error` then has the
// reason, of the calling thread's last failure. An engine is used by one thread at a time.
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "engine.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

thread_local std::string last_error;

template <class Body>
std::int64_t guarded(const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    last_error = "there is not enough memory";
  } catch (const std::exception& error) {
    last_error = error.what();
  }
  return -1;
}

template <class Body>
std::int64_t done(const Body& body) {
  return guarded([&] {
    body();
    return std::int64_t{0};
  });
}

// Linux saves them only for processes that have asked.
bool may_use_matrix_registers() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24;
  if ((edx & AMX_BF16) == 0 || (edx & AMX_TILE) == 0) return false;
  constexpr long REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return false;
#endif
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

using tanren::Engine;

// Whether this processor and its system run the library compiled for instruction set `which`: 0 portable, 1 AVX2,
// 2 AVX512-BF16, 3 AMX-BF16, for which the system is asked. Of the portable one, before another is loaded. The features
// are those of the compiler's flags in build_native.py.
std::int64_t tanren_runs(std::int32_t which) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (which == 1) return has_avx2;
  const bool has_bfloat16 = has_avx2 && has_avx512 && __builtin_cpu_supports("avx512bf16");
  if (which == 2) return has_bfloat16;
  if (which == 3) return has_bfloat16 && __builtin_cpu_supports("avx512vbmi") && may_use_matrix_registers();
#endif
  return which == 0;
}

const char* tanren_error() { return last_error.c_str(); }

Engine* tanren_open(const tanren::Shape* shape) {
  Engine* opened = nullptr;
  done([&] {
    tanren::check_shape(*shape);
    if (shape->is_bfloat16) {
      opened = new tanren::EngineOf<tanren::BrainFloat>(*shape);
    } else {
      opened = new tanren::EngineOf<tanren::SinglePrecision>(*shape);
    }
  });
  return opened;
}

void tanren_close(Engine* engine) { delete engine; }

std::int64_t tanren_set_embedding(Engine* engine, const void* values) {
  return done([&] { engine->set_embedding(values); });
}

std::int64_t tanren_set_head(Engine* engine, const void* values) {
  return done([&] { engine->set_head(values); });
}

std::int64_t tanren_set_rope_table(Engine* engine, std::int32_t table, const float* cosines, const float* sines) {
  return done([&] { engine->set_rope_table(table, cosines, sines); });
}

std::int64_t tanren_set_layer(Engine* engine, std::int32_t layer, std::int32_t rope_table, std::int32_t window) {
  return done([&] { engine->set_layer(layer, rope_table, window); });
}

std::int64_t tanren_set_norm(Engine* engine, std::int32_t layer, std::int32_t which, const float* weight) {
  return done([&] { engine->set_norm(layer, which, weight); });
}

std::int64_t tanren_set_final_norm(Engine* engine, const float* weight) {
  return done([&] { engine->set_final_norm(weight); });
}

std::int64_t tanren_set_linear(Engine* engine, std::int32_t layer, std::int32_t site, std::int32_t segment,
                               const void* weight, const float* bias) {
  return done([&] { engine->set_linear(layer, site, segment, weight, bias); });
}

std::int64_t tanren_add_adapter(Engine* engine) {
  return guarded([&] { return std::int64_t{engine->add_adapter()}; });
}

std::int64_t tanren_set_factors(Engine* engine, std::int32_t handle, std::int32_t layer, std::int32_t site,
                                std::int32_t segment, std::int32_t rank, const float* a, const float* b, float scale) {
  return done([&] { engine->set_factors(handle, layer, site, segment, rank, a, b, scale); });
}

std::int64_t tanren_drop_adapter(Engine* engine, std::int32_t handle) {
  return done([&] { engine->drop_adapter(handle); });
}

std::int64_t tanren_adapter_bytes(Engine* engine, std::int32_t handle) {
  return guarded([&] { return engine->adapter_bytes(handle); });
}

std::int64_t tanren_weight_bytes(Engine* engine) {
  return guarded([&] { return engine->weight_bytes(); });
}

std::int64_t tanren_touch(Engine* engine, std::int32_t layer, std::int32_t first_block, std::int32_t end_block) {
  return done([&] { engine->touch(layer, first_block, end_block); });
}

std::int64_t tanren_begin(Engine* engine, const tanren::Request* request) {
  return done([&] { engine->begin(*request); });
}

std::int64_t tanren_finish(Engine* engine) {
  return done([&] { engine->finish(); });
}

}  // extern "C"
#pragma GCC visibility pop
