// For the C library's allocator (glibc), which reads them when a process starts: memory of records that is let go is kept for
// the next ones instead of being returned to the system and faulted in again, page by page; and what is new is faulted in by huge
// pages, where the kernel has them on request (transparent_hugepage: madvise).
export const memorySettings = Object.freeze({
  // The largest that it takes.
  MALLOC_MMAP_THRESHOLD_: String(32 * 1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024 * 1024),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1'
})
