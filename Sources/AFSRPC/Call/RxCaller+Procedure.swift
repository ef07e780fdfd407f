import AFSTypes
package import RxCore
package import RxTransport
import XDR

extension RxCaller {
  /// A whole call of a procedure without bulk data.
  ///
  /// Arguments that break the interface's limits end it with `.abortedLocally(.rxgenClientMarshal)`, before anything
  /// is sent.
  package func call<P: RxProcedure>(
    _ procedure: P.Type, _ arguments: P.Arguments, to target: RxTarget, options: RxCallOptions
  ) async throws(RxCallError) -> P.Results {
    let reply = try await roundTrip(
      try P.checkedRequest(arguments), to: target, options: options, replyMax: P.Results.xdrSizeMax)
    return try P.results(decoding: reply)
  }

  /// Begins a call with bulk data from the server: returns when the data's length has come.
  package func startFetch<P: RxFetchProcedure>(
    _ procedure: P.Type, _ arguments: P.Arguments, to target: RxTarget, options: RxCallOptions
  ) async throws(RxCallError) -> RxFetchCall<P> {
    let request = try P.checkedRequest(arguments)
    let stream = try await startCall(to: target, options: options)
    try await stream.send(request, last: true)
    return try await RxFetchCall(stream)
  }

  /// Begins a call with bulk data from us: returns when the arguments are on their way.
  package func startStore<P: RxStoreProcedure>(
    _ procedure: P.Type, _ arguments: P.Arguments, to target: RxTarget, options: RxCallOptions
  ) async throws(RxCallError) -> RxStoreCall<P> {
    let request = try P.checkedRequest(arguments)
    let stream = try await startCall(to: target, options: options)
    try await stream.send(request, last: false)
    return RxStoreCall(stream)
  }
}

extension RxProcedure {
  static func checkedRequest(_ arguments: Arguments) throws(RxCallError) -> [UInt8] {
    do {
      return try request(arguments)
    } catch {
      throw .abortedLocally(.rxgenClientMarshal)
    }
  }

  static func results(decoding bytes: [UInt8]) throws(RxCallError) -> Results {
    do {
      return try Results(decoding: bytes)
    } catch {
      throw .malformedReply("\(name): \(error)")
    }
  }

  /// Reads what is left of the reply, which must be the results and nothing more, and ends the call.
  static func finish(_ stream: any RxStream) async throws(RxCallError) -> Results {
    let bytes = try await stream.receive(count: Results.xdrSizeMax + 1)
    let results: Results
    do {
      results = try Self.results(decoding: bytes)
    } catch {
      stream.abort(.rxgenClientUnmarshal)
      throw error
    }
    try await stream.finish()
    return results
  }
}
