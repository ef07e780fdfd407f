package import AFSTypes
import RxCore
import RxTransport

/// Where a server's handler reads the bulk data that a client sends. The call's arguments say how much there is.
///
/// An error of the stream is thrown as RX_CALL_DEAD: the handler may simply pass it on, nobody will see it.
package final class RxBulkSource {
  private let stream: any RxStream

  init(_ stream: any RxStream) {
    self.stream = stream
  }

  /// Fills the buffer; fewer bytes only at the data's end.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(AbortCode) -> Int {
    do {
      return try await stream.receive(into: buffer)
    } catch {
      throw .rxCallDead
    }
  }

  /// `count` bytes; fewer only at the data's end.
  package func receive(count: Int) async throws(AbortCode) -> [UInt8] {
    do {
      return try await stream.receive(count: count)
    } catch {
      throw .rxCallDead
    }
  }

  /// Checks that the handler took everything.
  func expectEnd() async throws(ServerCallError) {
    guard let rest = try? await stream.receive(count: 1) else { throw .gone }
    if !rest.isEmpty { throw .refused(.rxgenServerUnmarshal) }
  }
}
