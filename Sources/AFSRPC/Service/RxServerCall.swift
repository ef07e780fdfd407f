import AFSTypes
import RxCore
import RxTransport
import XDR

/// The server's side of one call's marshalling, for dispatchers.
struct RxServerCall {
  private let stream: any RxStream
  /// Requests are read in pieces of this size, so that a long limit costs nothing for a short request.
  private static let pieceSize = 4096

  init(_ stream: any RxStream) {
    self.stream = stream
  }

  /// The request's first word; nil if the call ended or the request is shorter (it is answered then).
  func opcode() async -> UInt32? {
    guard let bytes = try? await stream.receive(count: 4) else { return nil }
    guard bytes.count == 4 else {
      stream.abort(.rxgenServerUnmarshal)
      return nil
    }
    return bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  func refuse(_ code: AbortCode) {
    stream.abort(code)
  }

  /// A call without bulk data.
  func serve<P: RxProcedure>(
    _ procedure: P.Type, _ body: (P.Arguments) async throws(AbortCode) -> P.Results
  ) async {
    await answering(P.self) { () async throws(ServerCallError) in
      let arguments = try await wholeArguments(P.self)
      return try await asking(arguments, body)
    }
  }

  /// A call whose data comes from the handler.
  func serveFetch<P: RxFetchProcedure>(
    _ procedure: P.Type, _ body: (P.Arguments, RxBulkSink<P.LengthPrefix>) async throws(AbortCode) -> P.Results
  ) async {
    await answering(P.self) { () async throws(ServerCallError) in
      let arguments = try await wholeArguments(P.self)
      let sink = RxBulkSink<P.LengthPrefix>(stream)
      let results = try await asking(arguments) { (arguments) async throws(AbortCode) in
        try await body(arguments, sink)
      }
      guard sink.isComplete else { throw .refused(.rxgenServerMarshal) }
      return results
    }
  }

  /// A call whose data goes to the handler.
  func serveStore<P: RxStoreProcedure>(
    _ procedure: P.Type, _ body: (P.Arguments, RxBulkSource) async throws(AbortCode) -> P.Results
  ) async {
    await answering(P.self) { () async throws(ServerCallError) in
      let arguments = try await leadingArguments(P.self)
      let source = RxBulkSource(stream)
      let results = try await asking(arguments) { (arguments) async throws(AbortCode) in
        try await body(arguments, source)
      }
      try await source.expectEnd()
      return results
    }
  }
}

/// Why a served call has no results.
enum ServerCallError: Error {
  case refused(AbortCode)
  /// The client or the network ended the call: nobody is left to answer.
  case gone
}

extension RxServerCall {
  private func answering<P: RxProcedure>(
    _ procedure: P.Type, _ body: () async throws(ServerCallError) -> P.Results
  ) async {
    do {
      let results = try await body()
      let reply: [UInt8]
      do {
        reply = try results.encoded()
      } catch {
        stream.abort(.rxgenServerMarshal)
        return
      }
      try? await stream.send(reply, last: true)
      try? await stream.finish()
    } catch .refused(let code) {
      stream.abort(code)
    } catch {
      stream.abort(.rxUserAbort)
    }
  }

  private func asking<Arguments, Results>(
    _ arguments: Arguments, _ body: (Arguments) async throws(AbortCode) -> Results
  ) async throws(ServerCallError) -> Results {
    do {
      return try await body(arguments)
    } catch {
      throw .refused(error)
    }
  }

  /// Arguments which are all of the request that is left.
  private func wholeArguments<P: RxProcedure>(_ procedure: P.Type) async throws(ServerCallError) -> P.Arguments {
    var bytes: [UInt8] = []
    while true {
      let wanted = min(Self.pieceSize, P.Arguments.xdrSizeMax + 1 - bytes.count)
      if wanted == 0 { throw .refused(.rxgenServerUnmarshal) }
      let piece = try await receive(wanted)
      bytes += piece
      if piece.count < wanted { break }
    }
    do {
      return try P.Arguments(decoding: bytes)
    } catch {
      throw .refused(.rxgenServerUnmarshal)
    }
  }

  /// Arguments which data follows: not one byte more is read than they take. Each attempt to decode tells how many
  /// bytes are missing at least.
  private func leadingArguments<P: RxProcedure>(_ procedure: P.Type) async throws(ServerCallError) -> P.Arguments {
    var bytes = try await receive(P.Arguments.xdrSizeMin)
    while true {
      do {
        return try P.Arguments(decoding: bytes)
      } catch {
        guard case .truncated(let missing) = error.reason else { throw .refused(.rxgenServerUnmarshal) }
        let piece = try await receive(min(missing, P.Arguments.xdrSizeMax - bytes.count))
        if piece.isEmpty { throw .refused(.rxgenServerUnmarshal) }
        bytes += piece
      }
    }
  }

  private func receive(_ count: Int) async throws(ServerCallError) -> [UInt8] {
    do {
      return try await stream.receive(count: count)
    } catch {
      throw .gone
    }
  }
}
