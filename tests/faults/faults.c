/* Makes one call of a program fail, for tests of what it does then. Preloaded (LD_PRELOAD) into any program:
 *   GSV3D_FAULT=CALL:N:KIND     the N-th (from 1) call of its group fails; N+ also all after it, as on a disk that stays full
 *   GSV3D_FAULT_COUNTS=FILE     how often each group was called, one "CALL COUNT" a line, when the program ends
 * CALL: write, sync, rename, open (to write), mkdir, all on regular files and their folders; allocate (64 KiB or more).
 * KIND: the name of an error (ENOSPC, EIO, EINTR, EACCES, EMFILE, ENOMEM), or "short" (write: half of the bytes are taken).
 * System calls are seen by a seccomp filter that raises SIGSYS, wherever in which library they come from (stdio's own never pass
 * the symbol "write"); only the one instruction below may make them. x86-64 Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kWrite, kSync, kRename, kOpen, kMkdir, kAllocate, kGroups };
static const char* const group_names[kGroups] = {"write", "sync", "rename", "open", "mkdir", "allocate"};
static atomic_long counts[kGroups];

static int fault_group = -1, fault_error = 0, fault_stays = 0, fault_is_short = 0;
static long fault_at = 0;

static const size_t least_allocation = 64 * 1024; /* smaller ones never fail on Linux, and many libraries end the process then */

long gsv3d_faults_call(long number, long a, long b, long c, long d, long e, long f);
extern char gsv3d_faults_after_call[];
__asm__(
    ".text\n.globl gsv3d_faults_call\n.hidden gsv3d_faults_call\n.globl gsv3d_faults_after_call\n.hidden gsv3d_faults_after_call\n"
    "gsv3d_faults_call:\n"
    "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  mov %rcx, %rdx\n  mov %r8, %r10\n  mov %r9, %r8\n  mov 8(%rsp), %r9\n"
    "  syscall\n"
    "gsv3d_faults_after_call:\n"
    "  ret\n");

/* Counts a call; true when it is the one to fail. */
static int fails(int group) {
  const long number = atomic_fetch_add(&counts[group], 1) + 1;
  return group == fault_group && (number == fault_at || (fault_stays && number > fault_at));
}

/* Not the standard streams, which tests keep in files: somebody must be told. */
static int is_regular(int fd) {
  struct stat status;
  return fd > STDERR_FILENO && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The group of a system call, or -1. */
static int group_of(long number, const greg_t* registers) {
  switch (number) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_ftruncate:
    case SYS_fallocate:
      return is_regular((int)registers[REG_RDI]) ? kWrite : -1;
    case SYS_sendfile:
      return is_regular((int)registers[REG_RDI]) ? kWrite : -1;
    case SYS_copy_file_range:
      return kWrite;
    case SYS_fsync:
    case SYS_fdatasync:
      return kSync;
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
      return kRename;
    case SYS_mkdir:
    case SYS_mkdirat:
      return kMkdir;
    case SYS_creat:
      return kOpen;
    case SYS_open:
      return (registers[REG_RSI] & O_ACCMODE) != O_RDONLY && strncmp((const char*)registers[REG_RDI], "/dev/", 5) ? kOpen : -1;
    case SYS_openat:
      return (registers[REG_RDX] & O_ACCMODE) != O_RDONLY && strncmp((const char*)registers[REG_RSI], "/dev/", 5) ? kOpen : -1;
  }
  return -1;
}

static void on_call(int signal, siginfo_t* info, void* context) {
  (void)signal;
  greg_t* r = ((ucontext_t*)context)->uc_mcontext.gregs;
  const long number = info->si_syscall;
  const int group = group_of(number, r);
  long size = r[REG_RDX];
  if (group >= 0 && fails(group)) {
    if (!fault_is_short) {
      r[REG_RAX] = -fault_error;
      return;
    }
    if ((number == SYS_write || number == SYS_pwrite64) && size > 1) size /= 2;
  }
  r[REG_RAX] = gsv3d_faults_call(number, r[REG_RDI], r[REG_RSI], size, r[REG_R10], r[REG_R8], r[REG_R9]);
}

static void install_filter(void) {
  static const int numbers[] = {SYS_write, SYS_pwrite64, SYS_writev,    SYS_pwritev,  SYS_ftruncate, SYS_fallocate, SYS_sendfile,
                                SYS_fsync, SYS_fdatasync, SYS_copy_file_range, SYS_rename, SYS_renameat, SYS_renameat2,
                                SYS_mkdir, SYS_mkdirat,  SYS_open,      SYS_openat,   SYS_creat};
  enum { kNumbers = sizeof numbers / sizeof *numbers };
  const uint64_t own = (uint64_t)(uintptr_t)gsv3d_faults_after_call;
  struct sock_filter filter[kNumbers + 12];
  unsigned n = 0;
  const unsigned ip = offsetof(struct seccomp_data, instruction_pointer);
#define LOAD(offset) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define EQUAL(value, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(value) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)
  filter[n++] = LOAD(offsetof(struct seccomp_data, arch));
  filter[n++] = EQUAL(AUDIT_ARCH_X86_64, 1, 0);
  filter[n++] = RETURN(SECCOMP_RET_ALLOW);
  filter[n++] = LOAD(ip);
  filter[n++] = EQUAL(own, 0, 3);
  filter[n++] = LOAD(ip + 4);
  filter[n++] = EQUAL(own >> 32, 0, 1);
  filter[n++] = RETURN(SECCOMP_RET_ALLOW);
  filter[n++] = LOAD(offsetof(struct seccomp_data, nr));
  for (int i = 0; i < kNumbers; ++i) filter[n++] = EQUAL(numbers[i], (uint8_t)(kNumbers - i), 0);
  filter[n++] = RETURN(SECCOMP_RET_ALLOW);
  filter[n++] = RETURN(SECCOMP_RET_TRAP);
  const struct sock_fprog program = {(unsigned short)n, filter};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    static const char text[] = "faults: this system has no seccomp filters\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(77);
  }
}

static int error_number(const char* name) {
  static const struct {
    const char* name;
    int number;
  } errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EINTR", EINTR}, {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; ++i)
    if (!strcmp(errors[i].name, name)) return errors[i].number;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char* fault = getenv("GSV3D_FAULT");
  char call[16], at[16], kind[16];
  if (fault && sscanf(fault, "%15[^:]:%15[^:]:%15s", call, at, kind) == 3) {
    for (int i = 0; i < kGroups; ++i)
      if (!strcmp(call, group_names[i])) fault_group = i;
    fault_at = atol(at);
    fault_stays = strchr(at, '+') != NULL;
    fault_is_short = !strcmp(kind, "short");
    fault_error = error_number(kind);
    if (fault_group < 0 || fault_at < 1 || (!fault_is_short && !fault_error)) {
      fprintf(stderr, "faults: GSV3D_FAULT is CALL:N:KIND, not %s\n", fault);
      _exit(78);
    }
  }
  install_filter();
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("GSV3D_FAULT_COUNTS");
  if (!path) return;
  fault_group = -1;
  long made[kGroups]; /* before this file is opened and written */
  for (int i = 0; i < kGroups; ++i) made[i] = atomic_load(&counts[i]);
  FILE* file = fopen(path, "w");
  if (!file) return;
  for (int i = 0; i < kGroups; ++i) fprintf(file, "%s %ld\n", group_names[i], made[i]);
  fclose(file);
}

/* The allocator's own functions behind those of the C library. */
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

static int allocation_fails(size_t size) {
  if (size < least_allocation || !fails(kAllocate)) return 0;
  errno = ENOMEM;
  return 1;
}
void* malloc(size_t size) {
  return allocation_fails(size) ? NULL : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  return allocation_fails(count * size) ? NULL : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return allocation_fails(size) ? NULL : __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  return allocation_fails(size) ? NULL : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* result = memalign(alignment, size);
  if (!result && size) return ENOMEM;
  *memory = result;
  return 0;
}
