import AFSBase
package import AFSRPC
package import AFSTypes
import Logging
package import RxCore
package import RxTransport

/// The service that fileservers call at our port: they break promises, introduce themselves, and ask who we are;
/// administrators' tools (cmdebug, xstat_cm_test) look at our tables.
package struct CallbackService: RXAFSCBService {
  let context: ClientContext

  package init(context: ClientContext) {
    self.context = context
  }

  // MARK: Promises

  package func callBack(
    _ arguments: RXAFSCB.CallBack.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    for fid in arguments.fids { context.callbackBroken(FID(fid)) }
    context.log.debug("\(call.peer) breaks \(arguments.fids.count) callbacks")
    await context.invalidations.settle(within: context.configuration.settleTime)
  }

  package func initCallBackState(from call: RxIncomingCall) async throws(AbortCode) {
    await forget(nil, call.peer)
  }

  package func initCallBackState2(from call: RxIncomingCall) async throws(AbortCode) -> InterfaceAddr {
    await forget(nil, call.peer)
    return interfaces()
  }

  package func initCallBackState3(
    _ arguments: RXAFSCB.InitCallBackState3.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    await forget(arguments.serverUUID, call.peer)
  }

  private func forget(_ uuid: AFSUUID?, _ peer: RxAddress) async {
    guard context.callbacksForgotten(by: uuid, at: peer) else { return }
    context.log.info("\(peer) has no callbacks of ours")
    await context.invalidations.settle(within: context.configuration.settleTime)
  }

  // MARK: Who we are

  package func probe(from call: RxIncomingCall) async throws(AbortCode) {}

  package func probeUuid(
    _ arguments: RXAFSCB.ProbeUuid.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) {
    // Any code but 0 says: that is somebody else (OpenAFS src/afs/afs_callback.c answers 1).
    guard arguments.clientUUID == context.uuid else { throw AbortCode(1) }
  }

  package func whoAreYou(from call: RxIncomingCall) async throws(AbortCode) -> InterfaceAddr { interfaces() }

  package func tellMeAboutYourself(
    from call: RxIncomingCall
  ) async throws(AbortCode) -> RXAFSCB.TellMeAboutYourself.Results {
    RXAFSCB.TellMeAboutYourself.Results(
      address: interfaces(), capabilities: [UInt32(RXAFSCBConstants.clientCapabilityErrorTranslation)])
  }

  private func interfaces() -> InterfaceAddr {
    let interfaces = context.configuration.interfaces().prefix(CommonConstants.interfacesMax)
    func padded(_ words: [UInt32]) -> [UInt32] {
      words + Array(repeating: 0, count: CommonConstants.interfacesMax - words.count)
    }
    return InterfaceAddr(
      numberOfInterfaces: Int32(interfaces.count), uuid: context.uuid,
      addresses: padded(interfaces.map(\.address)), subnetMasks: padded(interfaces.map(\.netmask)),
      mtus: padded(interfaces.map(\.mtu)))
  }
}

/// Registers as service 1 of our endpoint.
extension CallbackService {
  package var service: any RxService { RXAFSCBDispatcher(self) }
}
