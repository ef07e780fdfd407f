internal import AFSCache
internal import AFSCredentials
internal import AFSTypes
internal import Synchronization

/// Reading past the cache, when its disk has failed: slower, but the mount goes on working.
extension FileContents {
  /// Bytes on their way to one reader.
  private final class Landing: @unchecked Sendable {
    // Safety: written by the one task that runs the fetch, read by the reader after it has ended.
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) {
      bytes = .allocate(byteCount: count, alignment: 16)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
      bytes.deallocate()
    }
  }

  func readThrough(
    at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, as identity: Identity
  ) async throws(AFSError) -> Int {
    let landing = Landing(count: buffer.count)
    let extent = guarded.withLock { $0.state.version == nil ? UInt64.max : $0.state.serverExtent }
    let end = Range<UInt64>(offset: offset, count: UInt64(buffer.count)).upperBound
    if offset < extent {
      let (status, _) = try await context.transfers.fetch(
        file, offset: offset, count: min(extent, end) - offset, as: identity
      ) { bytes, position throws(AFSError) in
        guard position >= offset, position + UInt64(bytes.count) <= offset + UInt64(landing.bytes.count) else {
          throw .corrupt("bytes beyond the range that was asked for")
        }
        UnsafeMutableRawBufferPointer(rebasing: landing.bytes[Int(position - offset)...]).copyMemory(from: bytes)
      }
      learned(status)
    }
    return try overlay(landing, at: offset, into: buffer)
  }

  /// Puts what only the cache has, changed bytes, over what the server has sent.
  private func overlay(
    _ landing: Landing, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(AFSError) -> Int {
    let (count, local, storage) = guarded.withLock { guarded in
      let end = min(guarded.state.size, offset + UInt64(buffer.count))
      let range = offset..<max(offset, end)
      var local = guarded.state.dirty.intersection(range)
      if let storing = guarded.state.storing, storing.overlaps(range) { local.insert(storing.clamped(to: range)) }
      return (Int(range.length), local, guarded.storage!)
    }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: landing.bytes[..<count]))
    for range in local.ranges {
      let start = Int(range.lowerBound - offset)
      do throws(CacheError) {
        try storage.read(
          at: range.lowerBound, into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + Int(range.length)])
        )
      } catch {
        throw AFSError(error)
      }
    }
    return count
  }
}
