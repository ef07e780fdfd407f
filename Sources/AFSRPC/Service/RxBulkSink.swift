package import AFSTypes
import RxCore
import RxTransport

/// Where a server's handler puts the bulk data of a call: `begin` with the length, then as many bytes. A handler
/// which returns results without having done both gets its call aborted with RXGEN_SS_MARSHAL.
///
/// An error of the stream is thrown as RX_CALL_DEAD: the handler may simply pass it on, nobody will see it.
package final class RxBulkSink<LengthPrefix: FixedWidthInteger & UnsignedInteger & Sendable> {
  private let stream: any RxStream
  /// Bytes announced and not sent yet.
  package private(set) var remaining: UInt64 = 0

  init(_ stream: any RxStream) {
    self.stream = stream
  }

  private var hasBegun = false

  /// Whether a length was announced and as many bytes were sent.
  var isComplete: Bool { hasBegun && remaining == 0 }

  /// Announces the data's length; once, before any data.
  package func begin(length: UInt64) async throws(AbortCode) {
    guard !hasBegun, let prefix = LengthPrefix(exactly: length) else { throw .rxgenServerMarshal }
    hasBegun = true
    remaining = length
    try await sending(withUnsafeBytes(of: prefix.bigEndian) { [UInt8]($0) })
  }

  /// Sends data, waiting while the client's window is full.
  package func send(_ bytes: UnsafeRawBufferPointer) async throws(AbortCode) {
    guard UInt64(bytes.count) <= remaining else { throw .rxgenServerMarshal }
    remaining -= UInt64(bytes.count)
    do {
      try await stream.send(bytes, last: false)
    } catch {
      throw .rxCallDead
    }
  }

  /// Sends an array's bytes.
  package func send(_ bytes: [UInt8]) async throws(AbortCode) {
    guard UInt64(bytes.count) <= remaining else { throw .rxgenServerMarshal }
    remaining -= UInt64(bytes.count)
    try await sending(bytes)
  }

  private func sending(_ bytes: [UInt8]) async throws(AbortCode) {
    do {
      try await stream.send(bytes, last: false)
    } catch {
      throw .rxCallDead
    }
  }
}
