import AFSClient
import AFSCredentials
import CFuse3
import Glibc
import Synchronization

/// Operations on open directories. The kernel's position in a directory is the index of the next entry.
extension FuseSession {
  func openDirectory(_ request: consuming FuseRequest, _ id: UInt64, _ file: fuse_file_info) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    switch fileSystem.cachedOpenDirectory(node, as: identity) {
    case .success(let opened): answer(request, .opened(handle(opened, id, file), isDirectory: true))
    case .failure(let error): request.fail(error.errno)
    case nil:
      answerLater(request) { [self] in
        do throws(AFSError) {
          let opened = try await fileSystem.openDirectory(node, as: identity)
          return .opened(handle(opened, id, file), isDirectory: true)
        } catch {
          return .error(error.errno)
        }
      }
    }
  }

  private func handle(_ opened: any OpenDirectory, _ id: UInt64, _ file: fuse_file_info) -> fuse_file_info {
    var file = file
    file.fh = directories.insert(DirectoryHandle(directory: opened, node: id))
    file.cache_readdir = 1
    file.keep_cache = opened.keepsKernelListing ? 1 : 0
    return file
  }

  /// READDIR and READDIRPLUS.
  func readDirectory(
    _ request: consuming FuseRequest, _ id: UInt64, size: Int, offset: Int, withAttributes: Bool
  ) {
    listingCount.add(1, ordering: .relaxed)
    guard let handle = directories[id], offset >= 0 else { return request.fail(EBADF) }
    let size = min(size, Self.transferMax)
    let startsOver = handle.startsOver(at: offset)
    let mark = invalidation.mark
    let missing = withAttributes ? missingEntries(of: handle.directory, from: offset, size: size) : nil
    if !startsOver, missing == nil {
      return answer(
        request, listing(handle, from: offset, size: size, withAttributes: withAttributes, since: mark))
    }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        if startsOver, let node = nodes[handle.node] {
          handle.replace(with: try await fileSystem.openDirectory(node, as: identity))
        }
        let mark = invalidation.mark
        let directory = handle.directory
        if withAttributes, let missing = missingEntries(of: directory, from: offset, size: size) {
          try await directory.prepareEntries(from: missing.first, count: missing.count)
        }
        return listing(handle, from: offset, size: size, withAttributes: withAttributes, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  /// The part of a reply's entries that has to be prepared; nil if all is there.
  private func missingEntries(of directory: any OpenDirectory, from start: Int, size: Int) -> (first: Int, count: Int)?
  {
    var index = start
    var space = size
    var first: Int?
    while let item = directory.item(at: index) {
      space -= Self.spaceBeforeName + (item.name.count + 7) / 8 * 8
      if space < 0 { break }
      if first == nil, !Self.isDots(item.name), directory.entry(at: index) == nil { first = index }
      index += 1
    }
    return first.map { ($0, index - $0) }
  }

  /// fuse_direntplus: a fuse_entry_out of 128 bytes and a fuse_dirent of 24 (linux/fuse.h).
  private static let spaceBeforeName = 152

  private static func isDots(_ name: [UInt8]) -> Bool {
    let dot = UInt8(ascii: ".")
    return name == [dot] || name == [dot, dot]
  }

  private func listing(
    _ handle: DirectoryHandle, from start: Int, size: Int, withAttributes: Bool, since mark: UInt64
  ) -> FuseReply {
    let directory = handle.directory
    let buffer = replyBuffers.take()
    let memory = buffer.bytes.assumingMemoryBound(to: CChar.self)
    var references: [UInt64] = []
    var used = 0
    var index = start
    while let item = directory.item(at: index) {
      var parameters = fuse_entry_param()
      parameters.attr.st_ino = UInt(item.fileID)
      parameters.attr.st_mode = item.kind?.fileType ?? 0
      let space = size - used
      let length =
        withAttributes
        ? Self.spaceBeforeName + (item.name.count + 7) / 8 * 8 : 24 + (item.name.count + 7) / 8 * 8
      guard length <= space else { break }
      if withAttributes, !Self.isDots(item.name), let entry = directory.entry(at: index) {
        parameters = self.parameters(entry, name: item.name, in: handle.node, since: mark)
        references.append(parameters.ino)
      }
      index += 1
      used += Self.append(item.name, &parameters, next: index, to: memory[used..<size], withAttributes)
    }
    return .listing(buffer, count: used, references: references)
  }

  /// - Returns: bytes used of `space`.
  private static func append(
    _ name: [UInt8], _ parameters: inout fuse_entry_param, next: Int,
    to space: Slice<UnsafeMutableBufferPointer<CChar>>, _ withAttributes: Bool
  ) -> Int {
    let memory = UnsafeMutableBufferPointer(rebasing: space)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { text in
      for (index, byte) in name.enumerated() { text[index] = CChar(bitPattern: byte) }
      text[name.count] = 0
      // The request is not used by libfuse's encoders.
      return withAttributes
        ? fuse_add_direntry_plus(nil, memory.baseAddress, memory.count, text.baseAddress, &parameters, next)
        : fuse_add_direntry(nil, memory.baseAddress, memory.count, text.baseAddress, &parameters.attr, next)
    }
  }
}
