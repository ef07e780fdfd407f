/// Changes as the server makes them (OpenAFS src/dir/dir.c): the same blobs are taken and freed, so that a copy that is
/// edited along stays equal to the server's byte for byte in what a listing shows.
extension DirectoryObject {
  package enum EditError: Error, Hashable, Sendable {
    case exists
    case notFound
    case nameTooLong
    /// Empty, or with a NUL or a slash in it.
    case invalidName
    /// The object has a flaw: an edit could damage other entries.
    case flawed(Damage)
    /// No room for another name of this length.
    case full
  }

  /// A new directory with `.` and `..`.
  package static func new(own: (vnode: UInt64, unique: UInt32), parent: (vnode: UInt64, unique: UInt32))
    -> DirectoryObject
  {
    var directory = DirectoryObject(unchecked: [UInt8](repeating: 0, count: DirectoryFormat.pageSize), entryCount: 0)
    directory.formatPage(0)
    for page in 1..<DirectoryFormat.countedPages {
      directory.put(UInt8(DirectoryFormat.blobsPerPage), at: DirectoryFormat.allocationMap + page)
    }
    directory.place(Array(".".utf8), own.vnode, own.unique)
    directory.place(Array("..".utf8), parent.vnode, parent.unique)
    return directory
  }

  package mutating func insert(_ name: [UInt8], vnode: UInt64, unique: UInt32) throws(EditError) {
    try checkEditable()
    guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "/")) else { throw .invalidName }
    guard name.count <= DirectoryFormat.nameLengthMax else { throw .nameTooLong }
    guard blob(named: name) == nil else { throw .exists }
    guard place(name, vnode, unique) else { throw .full }
  }

  package mutating func remove(_ name: [UInt8]) throws(EditError) {
    try checkEditable()
    let chain = DirectoryFormat.chain(of: name)
    var link = DirectoryFormat.chainHeads + 2 * chain
    guard let victim = blob(named: name) else { throw .notFound }
    while word16(link) != victim { link = word16(link) * DirectoryFormat.blobSize + 2 }
    put16(next(after: victim), at: link)
    release(victim, count: DirectoryFormat.blobs(forName: name.count))
    let start = victim * DirectoryFormat.blobSize
    let size = DirectoryFormat.blobs(forName: name.count) * DirectoryFormat.blobSize
    put([UInt8](repeating: 0, count: size), at: start)
    entryCount -= 1
  }

  /// Makes an existing name mean another file; for a renamed directory's `..`.
  package mutating func redirect(_ name: [UInt8], vnode: UInt64, unique: UInt32) throws(EditError) {
    try checkEditable()
    guard let blob = blob(named: name) else { throw .notFound }
    put32(UInt32(truncatingIfNeeded: vnode), at: blob * DirectoryFormat.blobSize + 4)
    put32(unique, at: blob * DirectoryFormat.blobSize + 8)
  }

  private func checkEditable() throws(EditError) {
    if let flaw { throw .flawed(flaw) }
  }

  // MARK: Blobs

  @discardableResult
  private mutating func place(_ name: [UInt8], _ vnode: UInt64, _ unique: UInt32) -> Bool {
    guard let blob = allocate(DirectoryFormat.blobs(forName: name.count)) else { return false }
    let start = blob * DirectoryFormat.blobSize
    let head = DirectoryFormat.chainHeads + 2 * DirectoryFormat.chain(of: name)
    put(DirectoryFormat.usedFlag, at: start)
    put16(word16(head), at: start + 2)
    put32(UInt32(truncatingIfNeeded: vnode), at: start + 4)
    put32(unique, at: start + 8)
    put(name, at: start + 12)
    put(0, at: start + 12 + name.count)
    put16(blob, at: head)
    entryCount += 1
    return true
  }

  private mutating func allocate(_ count: Int) -> Int? {
    for page in 0..<DirectoryFormat.pagesMax {
      if page >= pageCount {
        appendPage()
        formatPage(page)
      } else if page < DirectoryFormat.countedPages, freeCount(page) < count {
        continue
      }
      guard let first = firstFree(count, inPage: page) else { continue }
      for blob in first..<first + count { mark(blob, inPage: page, used: true) }
      changeFreeCount(page, by: -count)
      return page * DirectoryFormat.blobsPerPage + first
    }
    return nil
  }

  private mutating func release(_ blob: Int, count: Int) {
    let page = blob / DirectoryFormat.blobsPerPage
    let first = blob % DirectoryFormat.blobsPerPage
    for part in first..<first + count { mark(part, inPage: page, used: false) }
    changeFreeCount(page, by: count)
  }

  private func firstFree(_ count: Int, inPage page: Int) -> Int? {
    var starts: UInt64 = 0
    for byte in 0..<8 {
      starts |= UInt64(~bytes[page * DirectoryFormat.pageSize + DirectoryFormat.blobsInUse + byte]) << UInt64(8 * byte)
    }
    // After the k-th step a set bit begins a run of k + 1 free blobs.
    for _ in 1..<count where starts != 0 { starts &= starts >> 1 }
    return starts == 0 ? nil : starts.trailingZeroBitCount
  }

  private func freeCount(_ page: Int) -> Int { Int(bytes[DirectoryFormat.allocationMap + page]) }

  private mutating func changeFreeCount(_ page: Int, by change: Int) {
    guard page < DirectoryFormat.countedPages else { return }
    put(UInt8(freeCount(page) + change), at: DirectoryFormat.allocationMap + page)
  }

  private mutating func mark(_ blob: Int, inPage page: Int, used: Bool) {
    let offset = page * DirectoryFormat.pageSize + DirectoryFormat.blobsInUse + blob >> 3
    let bit = UInt8(1) << UInt8(blob & 7)
    put(used ? bytes[offset] | bit : bytes[offset] & ~bit, at: offset)
  }

  private mutating func formatPage(_ page: Int) {
    let header = DirectoryFormat.headerBlobs(ofPage: page)
    let free = UInt8(DirectoryFormat.blobsPerPage - header)
    put(free, at: page * DirectoryFormat.pageSize + DirectoryFormat.initialFreeCount)
    put16(Int(DirectoryFormat.pageTag), at: page * DirectoryFormat.pageSize + 2)
    for blob in 0..<header { mark(blob, inPage: page, used: true) }
    if page < DirectoryFormat.countedPages {
      put(free, at: DirectoryFormat.allocationMap + page)
    }
    put16(page + 1, at: 0)
  }
}
