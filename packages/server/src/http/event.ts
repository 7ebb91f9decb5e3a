import type { Event } from '@millrace/api';
import type { ServerEvent } from '../events/event.ts';

/** The API's JSON text of an event, on one line. */
export function serializeEvent(event: ServerEvent, at: number): string {
  return JSON.stringify(toApi(event, new Date(at).toISOString()));
}

function toApi(event: ServerEvent, time: string): Event {
  switch (event.type) {
    case 'session.opened':
    case 'session.closed': {
      const { id, reference, location, peer, extra, createdAt, rxBytes, txBytes } = event.session;
      return {
        type: event.type,
        time,
        collector: event.collector,
        session: {
          id,
          reference,
          created_at: Math.floor(createdAt / 1000),
          location,
          peer,
          extra,
          bytes_rx: rxBytes,
          bytes_tx: txBytes,
        },
      };
    }
    case 'process.updated': {
      const { type, process, reference, previousId } = event;
      return {
        type,
        time,
        process,
        reference,
        ...(previousId !== undefined && { previous_id: previousId }),
      };
    }
    case 'log': {
      const { type, level, component, message, fields } = event;
      return { type, time, level: level.toUpperCase(), component, message, fields };
    }
    default: {
      const { type, ...rest } = event;
      return { type, time, ...rest } as Event;
    }
  }
}
