/** A template as a whole, for forms that show its survey and its launch options. */
import { queryOptions } from '@tanstack/react-query';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { templates } from '../../protocol/endpoints/resources.ts';
import { call } from './request.ts';

/** Not asked while the id is empty. */
export const templateQuery = (projectId: string, templateId: string) =>
  queryOptions({
    queryKey: [pathOf(templates.list, { projectId }), templateId],
    queryFn: ({ signal }) =>
      call(templates.get, { params: { projectId, [templates.idParam]: templateId } }, { signal }),
    enabled: templateId !== '',
  });
