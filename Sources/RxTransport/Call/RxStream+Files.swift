import Glibc
public import SystemPackage

extension RxStream {
  /// For streams without a way of their own: through a buffer.
  public func send(file: FileDescriptor, offset: Int64, count: Int, last: Bool) async throws(RxFileError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    var sent = 0
    repeat {
      let wanted = min(count - sent, buffer.count)
      let position = offset + Int64(sent)
      let place = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
      if wanted > 0 {
        let got = FileRange.retrying { pread(file.rawValue, place.baseAddress, wanted, off_t(position)) }
        guard got >= 0 else { throw .file(errno: errno, offset: position) }
        try await sendPiece(UnsafeRawBufferPointer(rebasing: place[..<got]), last: last && sent + got == count)
        sent += got
        if got == 0 { throw .shortFile(offset: position) }
      } else {
        try await sendPiece(UnsafeRawBufferPointer(place), last: last)
      }
    } while sent < count
  }

  /// For streams without a way of their own: through a buffer.
  public func receive(
    into file: FileDescriptor, offset: Int64, count: Int
  ) async throws(RxFileError) -> Int {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    var received = 0
    while received < count {
      let place = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(count - received, buffer.count)])
      let got = try await receivePiece(into: place)
      try FileRange.write(UnsafeRawBufferPointer(rebasing: place[..<got]), to: file, offset + Int64(received))
      received += got
      if got < place.count { break }
    }
    return received
  }

  private func sendPiece(_ bytes: UnsafeRawBufferPointer, last: Bool) async throws(RxFileError) {
    do { try await send(bytes, last: last) } catch { throw .call(error) }
  }

  private func receivePiece(into buffer: UnsafeMutableRawBufferPointer) async throws(RxFileError) -> Int {
    do { return try await receive(into: buffer) } catch { throw .call(error) }
  }
}
